package slice

import (
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// The metadata keys of the Arrow schemas. They are for other tools: Presage itself
// reads the header before the Arrow streams.
const (
	metaSchema      = "presage.schema"
	metaTable       = "presage.table"
	metaGraph       = "presage.graph"
	metaFingerprint = "presage.fingerprint"
	metaWidth       = "presage.width_ns"
	metaIndex       = "presage.index"
	metaRevision    = "presage.revision"
	metaComplete    = "presage.complete"
	metaMissing     = "presage.missing"
	metaSegment     = "presage.segment"
)

// metadata is what every table of a snapshot says of the slice.
func (s *Snapshot) metadata(table string) arrow.Metadata {
	return arrow.NewMetadata(
		[]string{metaSchema, metaTable, metaGraph, metaFingerprint, metaWidth, metaIndex, metaRevision, metaComplete, metaMissing, metaSegment},
		[]string{
			strconv.Itoa(snapshotVersion), table, s.Graph, strconv.FormatUint(s.Fingerprint, 16), strconv.FormatInt(s.Width, 10),
			strconv.FormatInt(s.Index, 10), strconv.Itoa(s.Revision), strconv.FormatBool(s.Complete), strings.Join(s.Missing, ","),
			strconv.FormatInt(s.Segment, 10),
		})
}

func field(name string, t arrow.DataType) arrow.Field { return arrow.Field{Name: name, Type: t} }

func nodeFields() []arrow.Field {
	fields := []arrow.Field{field("service", arrow.BinaryTypes.String), field("virtual", arrow.FixedWidthTypes.Boolean)}
	for _, c := range (&Nodes{}).columns() {
		fields = append(fields, arrow.Field{Name: c.name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	return fields
}

func edgeFields() []arrow.Field {
	fields := []arrow.Field{
		field("caller", arrow.PrimitiveTypes.Int32), field("callee", arrow.PrimitiveTypes.Int32), field("kind", arrow.PrimitiveTypes.Uint8),
	}
	for _, c := range (&Edges{}).columns() {
		fields = append(fields, field(c.name, arrow.PrimitiveTypes.Float64))
	}
	return fields
}

func resourceFields() []arrow.Field {
	return []arrow.Field{
		field("key", arrow.BinaryTypes.String), field("service", arrow.BinaryTypes.String), field("metric", arrow.PrimitiveTypes.Uint8),
		field("last_time_ns", arrow.PrimitiveTypes.Int64), field("last_start_ns", arrow.PrimitiveTypes.Int64),
		field("last_value", arrow.PrimitiveTypes.Int64), field("last_count", arrow.PrimitiveTypes.Int64),
	}
}
