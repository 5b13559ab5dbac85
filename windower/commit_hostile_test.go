package windower

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"presage/internal/hostile"
)

// Commit metadata that claim more than they hold are refused, checksum or not.
func TestHostileCommits(t *testing.T) {
	sealed := func(body []byte) string {
		return metadataPrefix + metadataEncoding.EncodeToString(binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body)))
	}
	fields := binary.AppendVarint(binary.AppendVarint(binary.AppendVarint(make([]byte, 8), 1), 1), 1)
	tests := map[string]string{
		"advances":             sealed(binary.AppendUvarint(fields[:len(fields):len(fields)], math.MaxUint64)),
		"as many as may be":    sealed(binary.AppendUvarint(fields[:len(fields):len(fields)], maxAdvances)),
		"a number of 20 bytes": sealed(append(make([]byte, 8), strings.Repeat("\xff", 20)...)),
		"1 MB of text":         metadataPrefix + strings.Repeat("A", 1<<20),
		"1 MB of nothing":      strings.Repeat("!", 1<<20),
	}
	for name, metadata := range tests {
		t.Run(name, func(t *testing.T) {
			var err error
			hostile.Spends(t, hostile.Allowance, func() { _, err = ParseCommit(Commit{1, metadata}) })
			if !errors.Is(err, ErrMetadata) || len(err.Error()) > 1000 {
				t.Errorf("error %.200v, want ErrMetadata", err)
			}
		})
	}
}
