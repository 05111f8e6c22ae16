// Package letsencrypt stands in for the one that Distribution 2 imports and that no module proxy has any more.
// The tests' registries ask for no certificates.
package letsencrypt

import (
	"crypto/tls"
	"errors"
)

var errAbsent = errors.New("letsencrypt is left out of this build")

type Manager struct{}

func (*Manager) CacheFile(string) error                   { return errAbsent }
func (*Manager) Registered() bool                         { return false }
func (*Manager) Register(string, func(string) bool) error { return errAbsent }
func (*Manager) SetHosts([]string)                        {}
func (*Manager) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errAbsent
}
