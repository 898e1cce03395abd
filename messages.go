package dockertls

// What is said in more than one place, so that it is the same everywhere. Hints
// of errors that are explained from a text alone name no setting: nobody knows
// which one it was.

// Details.
const (
	saidPlainToTLS   = "plain HTTP was sent to a server that speaks TLS"
	saidTLSToPlain   = "TLS was spoken, and the server answered plain HTTP"
	saidNeither      = "TLS was spoken, and what answered speaks neither TLS nor HTTP"
	saidNoVersion    = "client and server have no version of TLS in common"
	saidOldServer    = "the server speaks no version of TLS that the client accepts"
	saidRefusedCert  = "the daemon refused the client certificate"
	saidCertDates    = "a certificate of the server, or of its authority, has expired, or is not valid yet"
	saidProxyAnswer  = "the proxy refused to connect: it answered "
	saidNoRoute      = "no route leads to the host"
	saidSystemRoots  = "there is no CA file, only the system's roots"
	saidBadAddress   = "the address cannot be parsed"
	saidBadPort      = "the port %q is not a number"
	saidIPv6Brackets = "an IPv6 address needs brackets"
	saidNoScheme     = "docker has no scheme %q"
)

// Hints.
const (
	hintTLSOn = "switch TLS on in the client: DOCKER_TLS_VERIFY=1 or --tlsverify, with the daemon's ca.pem in the folder DOCKER_CERT_PATH; " +
		"some clients look at DOCKER_TLS_VERIFY only if DOCKER_CERT_PATH is set"
	hintTLSOff = "the daemon must be started with --tls or --tlsverify, or this is the wrong port; " +
		"if the client should not speak TLS: to docker, any DOCKER_TLS_VERIFY that is not empty means yes, even 0"
	hintPair        = "put cert.pem and key.pem, signed by the daemon's --tlscacert, into the folder DOCKER_CERT_PATH, or name them with --tlscert and --tlskey"
	hintPairFiles   = "put cert.pem and key.pem into the folder DOCKER_CERT_PATH, or name them with --tlscert and --tlskey"
	hintRejected    = "the exact reason is in the daemon's log; check that its --tlscacert signed the client certificate, and the clock of its machine"
	hintCA          = "name the ca.pem that signed the daemon's certificate with --tlscacert, or put it into the folder DOCKER_CERT_PATH"
	hintFetchCA     = "check that it is the right daemon; if it is, fetch the ca.pem that signed its certificate and "
	hintPlaceCA     = "name it with --tlscacert, or put it into the certificate folder"
	hintTwin        = "%s is from another generation of that authority, or another daemon answers at this address; fetch the ca.pem that signed the daemon's certificate"
	hintGenerations = "ca.pem, cert.pem and key.pem must be of the same generation of the authority as the daemon's --tlscacert: fetch all three again"
	hintContextTLS  = "docker context update --docker host=...,ca=...,cert=...,key=..."
	hintSAN         = "connect by a name that is in the certificate, or issue it again with the address as subjectAltName"
	hintDates       = "check the dates of the daemon's certificate and of its authority (ca.pem), and the clocks of both machines"
	hintOldClient   = "update the older of the two"
	hintProxy       = "if no proxy should be used, name the daemon's host in NO_PROXY"
	hintAddress     = "check the address (DOCKER_HOST, --host or the context), and that the daemon listens there"
	hintSocket      = "check that the daemon is running, and the path (DOCKER_HOST, --host or the context): rootless daemons and Docker Desktop have others"
	hintHost        = "check DOCKER_HOST, --host or the context: an address looks like tcp://host:2376 or unix:///path"
	hintEscape      = "a %% in it starts an escape such as %%20"
	hintNetwork     = "check the address%s, and this machine's network (VPN, routes, firewall)"
	hintClocks      = "compare the clock of this machine with that of the machine where the certificate was made"
	hintClientDates = "check the dates of the client certificate (cert.pem), and the clock of the daemon's machine"
	hintCut         = "the daemon was stopped, or something on the way cut the connection"
	hintHungUp      = "the daemon, or what stands before it, hung up: its log may say why"
	hintBusy        = "the daemon is overloaded or hangs: look at it, and try again"
	hintNewCA       = "make the authority again, and all certificates that it has issued"
	hintSignedPair  = "use a client certificate that the daemon's --tlscacert has signed"
	hintFileMode    = "check its owner and mode, and those of its folder"
	hintConfigFile  = "mend or remove the file, or choose with DOCKER_HOST, --context or DOCKER_CONTEXT=default"
)
