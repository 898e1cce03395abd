package main

import (
	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A scenario is a daemon, the files in ~/.docker, a command, and its outcome.
type scenario struct {
	title       string
	daemon      dockertlstest.Mode
	ca          *dockertlstest.CA // of the daemon
	serverNames []string          // in its certificate; default: the local ones
	files       []file            // in ~/.docker
	command     string            // ADDRESS stands for the daemon's
	mode        dockertls.Mode    // what is decided, or
	fails       dockertls.Kind    // what goes wrong
}

type file struct {
	name    string
	content []byte
}

// scenarios are the modes, and then the mistakes.
func scenarios() []scenario {
	ca, otherCA := newCA("docker CA"), newCA("docker CA") // of the same name, as after a reinstallation
	client := ca.ClientPair("alice")
	caFile := file{"ca.pem", ca.PEM()}
	pair := []file{caFile, {"cert.pem", client.CertPEM}, {"key.pem", client.KeyPEM}}

	return []scenario{{
		title:   "Plain: nobody is checked, and everything is in the clear",
		daemon:  dockertlstest.Plain,
		command: "DOCKER_HOST=ADDRESS docker version",
		mode:    dockertls.Plain,
	}, {
		title:   "Encrypted only: private, but with whom?",
		daemon:  dockertlstest.TLS,
		ca:      ca,
		files:   []file{caFile},
		command: "docker -H ADDRESS --tls version",
		mode:    dockertls.Encrypted,
	}, {
		title:   "Verified: the client checks the server",
		daemon:  dockertlstest.TLS,
		ca:      ca,
		files:   []file{caFile},
		command: "DOCKER_HOST=ADDRESS docker --tlsverify version",
		mode:    dockertls.Verified,
	}, {
		title:   "Mutual: both sides are checked",
		daemon:  dockertlstest.MutualTLS,
		ca:      ca,
		files:   pair,
		command: "DOCKER_HOST=ADDRESS DOCKER_TLS_VERIFY=1 docker version",
		mode:    dockertls.Mutual,
	}, {
		title:   "TLS is not switched on",
		daemon:  dockertlstest.MutualTLS,
		ca:      ca,
		files:   pair,
		command: "DOCKER_HOST=ADDRESS docker version",
		fails:   dockertls.TLSRequired,
	}, {
		title:   "The daemon wants a client certificate, and there is none",
		daemon:  dockertlstest.MutualTLS,
		ca:      ca,
		files:   []file{caFile},
		command: "DOCKER_HOST=ADDRESS DOCKER_TLS_VERIFY=1 docker version",
		fails:   dockertls.ClientCertRequired,
	}, {
		title:   "A file has another name than docker looks for",
		daemon:  dockertlstest.TLS,
		ca:      ca,
		files:   []file{{"ca.crt", ca.PEM()}},
		command: "DOCKER_HOST=ADDRESS DOCKER_TLS_VERIFY=1 docker version",
		fails:   dockertls.CAMissing,
	}, {
		title:   "ca.pem is from before the authority was made anew",
		daemon:  dockertlstest.TLS,
		ca:      ca,
		files:   []file{{"ca.pem", otherCA.PEM()}},
		command: "docker -H ADDRESS --tlsverify version",
		fails:   dockertls.ServerUntrusted,
	}, {
		title:   "The daemon does not speak TLS",
		daemon:  dockertlstest.Plain,
		files:   []file{caFile},
		command: "DOCKER_HOST=ADDRESS docker --tlsverify version",
		fails:   dockertls.TLSNotOffered,
	}, {
		title:       "The daemon's certificate is for another name",
		daemon:      dockertlstest.TLS,
		ca:          ca,
		serverNames: []string{"ubuntuvm", "localhost"},
		files:       []file{caFile},
		command:     "docker -H ADDRESS --tlsverify version",
		fails:       dockertls.ServerNameMismatch,
	}}
}

func newCA(name string) *dockertlstest.CA {
	return dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: name})
}

// daemonFlags are the flags of a dockerd like the stand-in.
func (s scenario) daemonFlags() string {
	switch s.daemon {
	case dockertlstest.TLS:
		return "--tls --tlsverify=false"
	case dockertlstest.MutualTLS:
		return "--tlsverify"
	}
	return "without TLS"
}
