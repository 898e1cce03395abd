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

// keys are what the daemons and the folders of the scenarios hold.
type keys struct {
	ca, otherCA *dockertlstest.CA // of the same name, as after a reinstallation
	caFile      file
	pair        []file // ca.pem, cert.pem, key.pem
}

func newKeys() keys {
	ca := newCA("docker CA")
	client := ca.ClientPair("alice")
	caFile := file{"ca.pem", ca.PEM()}
	return keys{ca, newCA("docker CA"), caFile, []file{caFile, {"cert.pem", client.CertPEM}, {"key.pem", client.KeyPEM}}}
}

// scenarios are the modes, and then the mistakes.
func scenarios() []scenario {
	k := newKeys()
	return append(k.modes(), k.mistakes()...)
}

func (k keys) modes() []scenario {
	return []scenario{{
		title:   "Plain: nobody is checked, and everything is in the clear",
		daemon:  dockertlstest.Plain,
		command: "DOCKER_HOST=ADDRESS docker version",
		mode:    dockertls.Plain,
	}, {
		title:   "Encrypted only: private, but with whom?",
		daemon:  dockertlstest.TLS,
		ca:      k.ca,
		files:   []file{k.caFile},
		command: "docker -H ADDRESS --tls version",
		mode:    dockertls.Encrypted,
	}, {
		title:   "Verified: the client checks the server",
		daemon:  dockertlstest.TLS,
		ca:      k.ca,
		files:   []file{k.caFile},
		command: "DOCKER_HOST=ADDRESS docker --tlsverify version",
		mode:    dockertls.Verified,
	}, {
		title:   "Mutual: both sides are checked",
		daemon:  dockertlstest.MutualTLS,
		ca:      k.ca,
		files:   k.pair,
		command: "DOCKER_HOST=ADDRESS DOCKER_TLS_VERIFY=1 docker version",
		mode:    dockertls.Mutual,
	}}
}

func (k keys) mistakes() []scenario {
	return []scenario{{
		title:   "TLS is not switched on",
		daemon:  dockertlstest.MutualTLS,
		ca:      k.ca,
		files:   k.pair,
		command: "DOCKER_HOST=ADDRESS docker version",
		fails:   dockertls.TLSRequired,
	}, {
		title:   "The daemon wants a client certificate, and there is none",
		daemon:  dockertlstest.MutualTLS,
		ca:      k.ca,
		files:   []file{k.caFile},
		command: "DOCKER_HOST=ADDRESS DOCKER_TLS_VERIFY=1 docker version",
		fails:   dockertls.ClientCertRequired,
	}, {
		title:   "A file has another name than docker looks for",
		daemon:  dockertlstest.TLS,
		ca:      k.ca,
		files:   []file{{"ca.crt", k.ca.PEM()}},
		command: "DOCKER_HOST=ADDRESS DOCKER_TLS_VERIFY=1 docker version",
		fails:   dockertls.CAMissing,
	}, {
		title:   "ca.pem is from before the authority was made anew",
		daemon:  dockertlstest.TLS,
		ca:      k.ca,
		files:   []file{{"ca.pem", k.otherCA.PEM()}},
		command: "docker -H ADDRESS --tlsverify version",
		fails:   dockertls.ServerUntrusted,
	}, {
		title:   "The daemon does not speak TLS",
		daemon:  dockertlstest.Plain,
		files:   []file{k.caFile},
		command: "DOCKER_HOST=ADDRESS docker --tlsverify version",
		fails:   dockertls.TLSNotOffered,
	}, {
		title:       "The daemon's certificate is for another name",
		daemon:      dockertlstest.TLS,
		ca:          k.ca,
		serverNames: []string{"ubuntuvm", "localhost"},
		files:       []file{k.caFile},
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
