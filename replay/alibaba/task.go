package alibaba

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"

	"presage/replay/files"
)

// read packs the rows of batch_task, keyed by a hash of the job.
func (b *batchStream) read(ctx context.Context, f *files.File, t *table, add func(int64, []byte) error) error {
	columns := []string{"task_name", "instance_num", "job_name", "task_type", "status", "start_time", "end_time", "plan_cpu", "plan_mem"}
	var packed []byte
	return eachRow(ctx, files.ReadPlain(f, t.skips, columns, 7), t, func(rows *files.Rows, fields [][]byte) error {
		if missing(fields[0]) || missing(fields[2]) {
			rows.Bad("task_name or job_name", fields[0])
			return nil
		}
		if len(fields[5]) == 0 || len(fields[6]) == 0 || string(fields[6]) == "0" {
			rows.Skip(unfinished, "status "+string(fields[4]))
			return nil
		}
		start, ok := parseSeconds(fields[5])
		if !ok {
			rows.Bad("start_time", fields[5])
			return nil
		}
		end, ok := parseSeconds(fields[6])
		if !ok {
			rows.Bad("end_time", fields[6])
			return nil
		}
		if end < start {
			rows.Skip("bad_time", "the task ends before it starts")
			return nil
		}
		service := b.services.get(serviceOfTask(fields[3], fields[0]))
		packed = binary.AppendUvarint(packed[:0], uint64(len(fields[2])))
		packed = append(packed, fields[2]...)
		packed = binary.LittleEndian.AppendUint32(packed, uint32(service))
		packed = binary.LittleEndian.AppendUint64(packed, uint64(start))
		packed = binary.LittleEndian.AppendUint64(packed, uint64(end))
		failed := byte(0)
		if bytes.EqualFold(fields[4], []byte("Failed")) {
			failed = 1
		}
		packed = append(append(packed, failed), fields[0]...)
		return add(int64(hash(fields[2])), packed)
	})
}

func (b *batchStream) unpackTask(row []byte) task {
	n, size := binary.Uvarint(row)
	t := task{job: string(row[size : size+int(n)])}
	row = row[size+int(n):]
	t.service = name(binary.LittleEndian.Uint32(row))
	t.start, t.end = int64(binary.LittleEndian.Uint64(row[4:])), int64(binary.LittleEndian.Uint64(row[12:]))
	t.failed = row[20] == 1
	t.name = string(row[21:])
	_, t.number, t.waits = parseTask(t.name)
	return t
}

// noGraph is the letter of tasks whose names tell no graph.
const noGraph = "task"

// serviceOfTask is batch-TYPE-LETTER.
func serviceOfTask(taskType, taskName []byte) []byte {
	letter, _, _ := parseTask(string(taskName))
	s := append([]byte("batch-"), taskType...)
	return append(append(s, '-'), letter...)
}

// parseTask reads a task's name: M5_3_4 is task 5 of the kind M, which waits for the tasks
// 3 and 4. Other names (task_…) stand alone: letter task, number −1.
func parseTask(taskName string) (letter string, number int, waits []int) {
	n := 0
	for n < len(taskName) && (taskName[n]|0x20) >= 'a' && (taskName[n]|0x20) <= 'z' {
		n++
	}
	if n == 0 || n > 4 || n == len(taskName) {
		return noGraph, -1, nil
	}
	letter = taskName[:n]
	rest := taskName[n:]
	for first := true; rest != ""; first = false {
		if !first {
			if rest[0] != '_' {
				return noGraph, -1, nil
			}
			rest = rest[1:]
		}
		end := 0
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		v, err := strconv.Atoi(rest[:end])
		if err != nil {
			if first {
				return noGraph, -1, nil
			}
			return letter, number, waits // M1_Stg1: a graph's name with something else behind
		}
		if first {
			number = v
		} else {
			waits = append(waits, v)
		}
		rest = rest[end:]
	}
	return letter, number, waits
}
