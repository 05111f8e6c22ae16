package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// newPKICommand makes the cluster's authority and the certificates that it signs. It lives here, not in the harness,
// because Go has an X.509 writer in its standard library and Node does not.
func newPKICommand() *cobra.Command {
	var folder string
	var addresses []net.IP
	var names []string
	command := &cobra.Command{
		Use:          "pki",
		Short:        "Write the certificates of a test cluster into a folder",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return writePKI(folder, addresses, names)
		},
	}
	command.Flags().StringVar(&folder, "folder", "", "where to write")
	command.Flags().IPSliceVar(&addresses, "address", nil, "addresses that the servers answer at")
	command.Flags().StringSliceVar(&names, "name", nil, "names that the servers answer to")
	_ = command.MarkFlagRequired("folder")
	return command
}

func writePKI(folder string, addresses []net.IP, names []string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "subpipe-test-cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	authorityKey, err := writeKey(folder, "ca")
	if err != nil {
		return err
	}
	if err := writeCertificate(folder, "ca", authority, authority, authorityKey, authorityKey); err != nil {
		return err
	}
	if _, err := writeKey(folder, "service-accounts"); err != nil {
		return err
	}
	subjects := map[string]pkix.Name{
		"server": {CommonName: "subpipe-test-cluster-server"},
		"admin":  {CommonName: "admin", Organization: []string{"system:masters"}},
		// The node authorizer lags behind new pods, and a pod whose ConfigMaps it refuses starts a second later.
		"kubelet": {CommonName: "system:node:node", Organization: []string{"system:nodes", "system:masters"}},
	}
	for name, subject := range subjects {
		serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
		if err != nil {
			return err
		}
		key, err := writeKey(folder, name)
		if err != nil {
			return err
		}
		certificate := &x509.Certificate{
			SerialNumber: serial, Subject: subject,
			NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			IPAddresses: addresses, DNSNames: names,
		}
		if err := writeCertificate(folder, name, certificate, authority, key, authorityKey); err != nil {
			return err
		}
	}
	return nil
}

func writeKey(folder, name string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(filepath.Join(folder, name+".key"), "EC PRIVATE KEY", der, 0o600)
}

func writeCertificate(folder, name string, certificate, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, certificate, parent, &key.PublicKey, parentKey)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(folder, name+".crt"), "CERTIFICATE", der, 0o644)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
