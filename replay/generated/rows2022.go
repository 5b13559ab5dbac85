package generated

import (
	"path/filepath"
	"strconv"
	"time"
)

// The headers of the v2022 tables.
const (
	callHeader   = "timestamp,traceid,service,rpc_id,rpctype,um,uminstanceid,interface,dm,dminstanceid,rt"
	rateHeader   = "timestamp,msname,msinstanceid,nodeid,providerrpc_rt,providerrpc_mcr,consumerrpc_rt,consumerrpc_mcr,writemc_rt,writemc_mcr,readmc_rt,readmc_mcr,writedb_rt,writedb_mcr,readdb_rt,readdb_mcr,consumermq_rt,consumermq_mcr,providermq_rt,providermq_mcr,http_mcr,http_rt"
	metricHeader = "timestamp,msname,msinstanceid,nodeid,cpu_utilization,memory_utilization"
)

// rpcTypes are the kinds of call as the files name them.
var rpcTypes = [...]string{callHTTP: "http", callRPC: "rpc", callDatabase: "db", callCache: "mc", callQueue: "mq"}

// Shares of names that the real sample lacks, and of rpc calls that come twice.
const (
	unknownEntry  = 0.5  // of entries: caller UNKNOWN in place of USER
	unknownCallee = 0.05 // of rows: callee UNKNOWN (twins agree)
	rpcTwice      = 0.35
)

// trace writes the rows of a trace. An entry's rpc id is 0, as that of the real
// files' USER rows; each further call appends its number among its siblings.
func (v *volume) trace(api int, calls []call) {
	v.written.Traces++
	v.paths = v.paths[:0]
	head := ",T_" + strconv.FormatInt(v.written.Traces, 10) + ",S_" + strconv.Itoa(100+api) + ","
	for i := range calls {
		c := &calls[i]
		path := "0"
		if c.parent >= 0 {
			path = v.paths[c.parent] + "." + strconv.Itoa(int(c.ordinal))
		}
		v.paths = append(v.paths, path)
		v.written.Calls++
		v.tally.call(v.g.state, calls, c)
		rows := 1
		if kind := c.node.kind; c.parent < 0 || (kind == callRPC && v.rand.chance(rpcTwice)) {
			rows = 2
		}
		at := v.g.tick.Start - v.g.w.opt.Start + c.sent
		v.row = strconv.AppendInt(v.row[:0], at/int64(time.Millisecond), 10)
		v.row = append(append(v.row, head...), path...)
		v.row = append(append(v.row, ','), rpcTypes[c.node.kind]...)
		v.row = append(v.appendEnds(append(v.row, ','), calls, c), ',')
		v.row = strconv.AppendInt(v.row, (c.got-c.sent)/int64(time.Millisecond), 10)
		v.row = append(v.row, ".0"...)
		v.put(time.Duration(at), rows)
	}
}

// put writes the row at hand to the file of its time.
func (v *volume) put(at time.Duration, times int) {
	i := int64(at / callPart)
	f := v.calls[i]
	if f == nil {
		var err error
		f, err = createCSV(filepath.Join(v.dir, "CallGraph"), "CallGraph_"+strconv.FormatInt(i, 10)+".csv", v.opt.Pack, callHeader, true, v.order("CallGraph", time.Duration(i)))
		if err != nil {
			v.err = err
			return
		}
		v.calls[i] = f
		v.written.Files++
	}
	for range times {
		f.row(v.row)
		v.written.Rows++
	}
}

// appendEnds appends um, uminstanceid, interface, dm, dminstanceid.
func (v *volume) appendEnds(b []byte, calls []call, c *call) []byte {
	if c.parent < 0 {
		who := "USER,USER"
		if v.opt.Unknown && v.rand.chance(unknownEntry) {
			who = "UNKNOWN,UNAVAILABLE"
		}
		b = append(b, who...)
	} else {
		b = v.appendInstance(b, calls[c.parent].node.service, int(c.caller))
	}
	b = append(append(append(b, ','), c.node.route...), ',')
	if v.opt.Unknown && v.rand.chance(unknownCallee) {
		return append(b, "UNKNOWN,UNKNOWN"...)
	}
	return v.appendInstance(b, c.node.service, int(c.callee))
}

// appendInstance appends a service's name and the name of one of its replicas.
func (v *volume) appendInstance(b []byte, service, rep int) []byte {
	name := msName(service)
	b = append(append(append(b, name...), ','), name...)
	b = append(b, "_POD_"...)
	return strconv.AppendUint(b, v.g.state.Services[service].Replicas[rep].ID, 10)
}

// writeRates writes a minute's rates and response times, a row an instance: as served
// (providerrpc, http, consumermq) and as a client saw them (consumerrpc, read and write
// of stores, providermq: messages sent).
func (v *volume) writeRates(from time.Duration) error {
	f, err := v.part(&v.rates, "MSRTMCR", "MCRRTUpdate", rateHeader, from, callPart)
	if err != nil {
		return err
	}
	v.tally.each(v.g.state, func(service, rep int, t *instanceTally) {
		v.row = v.appendHead(v.row[:0], from, service, rep)
		for _, k := range [...]meter{servedRPC, clientRPC, writeCache, readCache, writeDatabase, readDatabase, consumed, produced} {
			v.row = v.appendRate(v.appendMean(v.row, &t.meters[k]), &t.meters[k])
		}
		v.row = v.appendMean(v.appendRate(v.row, &t.meters[servedHTTP]), &t.meters[servedHTTP])
		f.row(v.row)
	})
	return nil
}

// writeMetrics writes a minute's utilisations.
func (v *volume) writeMetrics(from time.Duration) error {
	f, err := v.part(&v.metrics, "MSMetrics", "MSMetricsUpdate", metricHeader, from, metricPart)
	if err != nil {
		return err
	}
	v.tally.each(v.g.state, func(service, rep int, t *instanceTally) {
		svc := &v.g.w.services[service]
		r := &v.g.state.Services[service].Replicas[rep]
		limit := float64(svc.slots) * svc.speed
		v.row = v.appendHead(v.row[:0], from, service, rep)
		v.row = strconv.AppendFloat(append(v.row, ','), min(1, t.cpu/max(t.seconds, 1)/limit), 'g', 8, 64)
		memory := v.g.w.workingSet(service, r, &v.g.tick.Services[service]) / (3 * svc.memory)
		v.row = strconv.AppendFloat(append(v.row, ','), min(1, memory), 'g', 8, 64)
		f.row(v.row)
	})
	return nil
}

// appendHead appends timestamp, msname, msinstanceid, nodeid.
func (v *volume) appendHead(b []byte, from time.Duration, service, rep int) []byte {
	b = strconv.AppendInt(b, from.Milliseconds(), 10)
	b = v.appendInstance(append(b, ','), service, rep)
	b = append(b, ",NODE_"...)
	return strconv.AppendInt(b, int64(v.g.state.Services[service].Replicas[rep].Host), 10)
}

// appendMean appends a mean time in ms, nothing if there was no call.
func (v *volume) appendMean(b []byte, m *metered) []byte {
	b = append(b, ',')
	if m.count == 0 {
		return b
	}
	return strconv.AppendFloat(b, float64(m.nanos)/float64(m.count)/1e6, 'f', 4, 64)
}

// rateUnit is the rate of calls that the files write as 1: the real files'
// normalisation is unpublished.
const rateUnit = 1000.0

// appendRate appends a rate of calls.
func (v *volume) appendRate(b []byte, m *metered) []byte {
	b = append(b, ',')
	if m.count == 0 {
		return b
	}
	return strconv.AppendFloat(b, float64(m.count)/60/v.g.w.opt.Sampling/rateUnit, 'g', 8, 64)
}
