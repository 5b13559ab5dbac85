package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"crypto/tls"
)

// Access says who may ask and whether connections are encrypted. The zero value lets
// everybody ask in plain text.
type Access struct {
	guarded      bool
	token        [sha256.Size]byte // digest: equal lengths, whatever is sent
	certificates *certificates     // nil: plain text
}

// NewAccess reads the certificates and makes an Access. Without a token none is asked
// for; the zero TLS is plain text. Certificates that change are read again: log gets what is
// wrong with them then, and the ones before stay in use.
func NewAccess(token string, files TLS, log *slog.Logger, now func() time.Time) (*Access, error) {
	a := &Access{guarded: token != "", token: sha256.Sum256([]byte(token))}
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return nil, errors.New("the HTTP token holds a space, a line break or something else that is not printable ASCII: no header can carry it (http.token_file, PRESAGE_HTTP_TOKEN)")
		}
	}
	if files == (TLS{}) {
		return a, nil
	}
	var err error
	a.certificates, err = openCertificates(files, log, now)
	return a, err
}

// allow lets a request through, or answers it.
func (s *Server) allow(w http.ResponseWriter, r *http.Request) bool {
	a := s.access.Load()
	if a.certificates != nil && a.certificates.files.ClientCAFile != "" && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		http.Error(w, "a client certificate is needed", http.StatusForbidden)
		return false
	}
	if !a.guarded {
		return true
	}
	sent, ok := bearer(r.Header.Get("Authorization"))
	digest := sha256.Sum256([]byte(sent))
	if subtle.ConstantTimeCompare(digest[:], a.token[:]) == 1 && ok {
		return true
	}
	challenge := `Bearer realm="presage"`
	if ok {
		challenge += `, error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
	return false
}

// bearer gives the token of an Authorization header.
func bearer(header string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// encrypting wraps connections as the server's Access says when they come.
type encrypting struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection.
func (e encrypting) Accept() (net.Conn, error) {
	conn, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if c := e.server.access.Load().certificates; c != nil {
		return tls.Server(conn, c.current()), nil
	}
	return conn, nil
}
