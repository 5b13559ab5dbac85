package alibaba

import "bytes"

// name is an interned string; equal strings have equal names.
type name uint32

// Two names mean something.
const (
	unknown name = iota // nobody knows: NAN, (?), empty, UNKNOWN, UNAVAILABLE
	user                // 2022: USER, the client outside
)

// unknownService is what a service is called that the trace does not name.
const unknownService = "unknown"

// maxNames bounds the strings that are kept of each kind; further ones are unknown.
const maxNames = 2 << 20

// vocabulary is what a call graph's rows name. Each kind has its own bound.
type vocabulary struct{ services, pods, interfaces *names }

func newVocabulary() *vocabulary { return &vocabulary{newNames(), newNames(), newNames()} }

func (v *vocabulary) cut() int64 { return v.services.cut + v.pods.cut + v.interfaces.cut }

// names interns strings.
type names struct {
	ids    map[string]name
	texts  []string
	hashes []uint64
	cut    int64 // strings not kept for maxNames
}

func newNames() *names {
	n := &names{ids: make(map[string]name)}
	n.put(unknownService)
	n.put("user")
	delete(n.ids, unknownService) // a service may really be called so
	delete(n.ids, "user")
	return n
}

func (n *names) put(text string) name {
	id := name(len(n.texts))
	n.ids[text] = id
	n.texts = append(n.texts, text)
	n.hashes = append(n.hashes, hash([]byte(text)))
	return id
}

func (n *names) text(id name) string { return n.texts[id] }

// get interns a field; placeholders for missing names are unknown.
func (n *names) get(field []byte) name {
	if id, ok := n.ids[string(field)]; ok {
		return id
	}
	if missing(field) {
		if !bytes.HasPrefix(field, []byte(unnamedPod)) { // these are many
			n.ids[string(field)] = unknown
		}
		return unknown
	}
	if string(field) == "USER" {
		return user
	}
	if len(n.texts) >= maxNames {
		n.cut++
		return unknown
	}
	return n.put(string(field))
}

// missing reports whether a field stands for a name that is not known.
func missing(field []byte) bool {
	switch string(bytes.ToUpper(field)) {
	case "", "NAN", "(?)", "UNKNOWN", "UNAVAILABLE", "NULL", "NONE":
		return true
	}
	return bytes.HasPrefix(field, []byte(unnamedPod))
}

// unnamedPod starts the instance names that 2022 makes up.
const unnamedPod = "UNKNOWN_POD_"

// hash is FNV-1a with a final mixing (MurmurHash3's), never zero.
func hash(b []byte) uint64 {
	h := uint64(fnvOffset)
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return mix(h)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	if h ^= h >> 33; h != 0 {
		return h
	}
	return 1
}
