package dockertls

import "slices"

// connectRows are about names, sockets and ports that were not reached.
func connectRows() []textRow {
	return slices.Concat(lookupRows(), socketRows(), portRows())
}

func lookupRows() []textRow {
	return []textRow{
		{DNS, "Go on all systems", []string{"lookup {}: no such host", "lookup {}: getaddrinfow: ", "lookup {}: read udp ", "lookup {}: dial udp ", "lookup {}: server misbehaving", "lookup {}: temporary failure in name resolution", "lookup {}: nodename nor servname", "lookup {}: name or service not known",
			"lookup {}: no address associated with", "lookup {}: no answer from dns server", "lookup {}: i/o timeout", "lookup {}: no data of the requested type"}, said.noName},
		{DNS, "Node, Java, Python, curl, ssh", []string{
			"getaddrinfo enotfound {}", "getaddrinfo eai again {}", "unknownhostexception: {}", "failed to resolve '{}'", "could not resolve host: {}",
			"could not resolve hostname {}:",
		}, said.noName},
		{DNS, "all of them, without the name", []string{"name or service not known", "temporary failure in name resolution", "nodename nor servname provided", "getaddrinfo failed", "no such host is known", "no such host$",
			"failed to lookup address information", "no address associated with hostname", "no data of the requested type was found"}, said.noName},
	}
}

func socketRows() []textRow {
	return []textRow{
		{SocketMissing, "Go", []string{"dial unix {}: connect: no such file", "dial unix {}: no such file"}, said.noSocket},
		{SocketMissing, "Go, named pipes", []string{"open {}: the system cannot find the file specified"}, said.noPipe},
		{SocketMissing, "Go, named pipes, Windows in German, French, Spanish, Portuguese, Chinese", []string{
			"pipe/{}: das system kann die angegebene datei nicht finden", "pipe/{}: le fichier spécifié est introuvable", "pipe/{}: el sistema no puede encontrar el archivo especificado",
			"pipe/{}: o sistema não pode encontrar o arquivo especificado", "pipe/{}: 系统找不到指定的文件",
		}, said.noSocket},
		{SocketMissing, "docker-py, named pipes", []string{
			"'createfile', 'the system cannot find the file", "'waitnamedpipe', 'the system cannot find the file", "(2, 'createfile'", "(2, 'waitnamedpipe'",
		}, said.noSocket},
		{SocketMissing, "Python", []string{"connection aborted{}no such file or directory", "connection aborted{}filenotfounderror(2", "cannot connect to unix socket {} [no such file or directory]"}, said.noSocket},
		{SocketMissing, "Node", []string{"connect enoent {}"}, said.noSocket},
		{SocketMissing, "Java", []string{"lasterrorexception: [2]", "nosuchfileexception ({}.sock)", "could not find unix domain socket", "no such file or directory (socket: {})"}, said.noSocket},
		{SocketMissing, "Ruby", []string{"no such file or directory - connect(2)"}, said.noSocket},
		{SocketMissing, "Rust", []string{
			"socket not found: {}", "socketnotfounderror", "connect, source: some(os { code: 2,", "error(connect, os { code: 2,",
			"error trying to connect: no such file or directory", "(connect): no such file or directory",
		}, said.noSocket},
		{SocketMissing, ".NET", []string{"cannot assign requested address {}.sock", "no such file or directory {}docker.sock"}, said.noSocket},
		{SocketMissing, "PHP, curl, shells", []string{
			"docker.sock (no such file", "docker.sock: no such file", "docker.sock: connect: no such file", "docker.sock': no such file",
			"docker.sock does not exist",
		}, said.noSocket},

		{SocketPermission, "Go", []string{
			"dial unix {}: connect: permission denied", "dial unix {}: permission denied", "dial unix {}: connect: operation not permitted",
			"pipe/{}: access is denied", `pipe\{}: access is denied`,
		}, said.mayNotOpen},
		{SocketPermission, "docker without the cause", []string{
			"permission denied while trying to connect to the docker {} at unix://{}",
			"permission denied while trying to connect to the docker {} at npipe://{}", "permission denied while trying to connect to the docker daemon socket",
		}, said.mayNotOpen},
		{SocketPermission, "Python", []string{
			"connection aborted{}permission denied", "connection aborted{}permissionerror(13", "'createfile', 'access is denied", "(5, 'createfile'", "cannot connect to unix socket {} [permission denied]",
		}, said.mayNotOpen},
		{SocketPermission, "Node", []string{"connect eacces /{}", `connect eacces \\.\{}`}, said.mayNotOpen},
		{SocketPermission, "Java", []string{"lasterrorexception: [13]", "permission denied (socket: {})"}, said.mayNotOpen},
		{SocketPermission, "Ruby", []string{"permission denied - connect(2)"}, said.mayNotOpen},
		{SocketPermission, "Rust", []string{
			"connect, source: some(os { code: 13,", "error(connect, os { code: 13,", "error trying to connect: permission denied",
			"(connect): permission denied",
		}, said.mayNotOpen},
		{SocketPermission, ".NET, PHP, curl", []string{"permission denied /{}.sock", "docker.sock (permission denied", "docker.sock: permission denied"}, said.mayNotOpen},
	}
}

func portRows() []textRow {
	return []textRow{
		{ConnectionRefused, "Go", []string{
			"dial tcp {}: connect: connection refused", "dial tcp {}: connection refused", "dial unix {}: connect: connection refused",
			"dial unix {}: connection refused", "dial tcp {}: connectex: no connection could be made",
		}, said.refused},
		{ConnectionRefused, "go-dockerclient in place of the cause", []string{"cannot connect to docker endpoint"}, said.refused},
		{ConnectionRefused, "all clients", []string{
			"connection refused", "actively refused", "econnrefused", "connectionrefused", "errno 10061", "winerror 10061", "(os error 111)", "(os error 61)",
			"(os error 10061)", "socketexception (111)", "socketexception (10061)", "lasterrorexception: [111]", "lasterrorexception: [61]",
		}, said.refused},
		{ConnectionRefused, "Linux and Windows in German, French, Spanish, Chinese", []string{
			"zielcomputer die verbindung verweigerte", "verbindungsaufbau abgelehnt", "connexion refusée", "a expressément refusé",
			"denegó expresamente dicha conexión", "conexión rehusada", "目标计算机积极拒绝",
		}, said.refused},

		{Unreachable, "Go: a firewall or a sandbox on this machine", []string{
			"dial tcp {}: connect: operation not permitted", "dial tcp {}: connect: permission denied",
			"dial tcp {}: connectex: an attempt was made to access a socket",
		}, said.forbidden},
		{Unreachable, "Go", []string{
			"dial tcp {}: connect: no route to host", "dial tcp {}: no route to host", "dial tcp {}: connect: network is unreachable",
			"dial tcp {}: network is unreachable", "dial tcp {}: connect: host is down",
			"dial tcp {}: connectex: a socket operation was attempted to an unreachable",
		}, said.noRoute},
		{Unreachable, "all clients", []string{
			"no route to host", "network is unreachable", "host is unreachable", "ehostunreach", "enetunreach", "connect: host is down",
			"to an unreachable network", "to an unreachable host", "winerror 10051", "winerror 10065", "(os error 113)", "(os error 101)",
		}, said.noRoute},
	}
}

// silenceRows only say that an answer stayed away.
func silenceRows() []textRow {
	return []textRow{
		{ConnectionReset, "all clients", []string{
			"connection reset by peer", "econnreset", "connectionreseterror", "socketexception: connection reset$", "connectionreset",
			"forcibly closed by the remote host", "errno 10054", "winerror 10054", "winerror 10053", "(os error 104)", "(os error 10054)",
			"was aborted by the software in your host machine",
		}, said.hungUp},
		{ConnectionReset, "Go", slices.Concat(requestTexts("http://{}: eof$"), requestTexts("https://{}: eof$"), requestTexts("http://{}: unexpected eof$"), requestTexts("https://{}: unexpected eof$")), said.hungUp},
		{ConnectionReset, "Go", []string{
			"transport connection broken: unexpected eof", "http: server closed idle connection", "write: broken pipe", "error reading from server: eof",
			"handshake failed: eof$", "read unix {}: eof$", "read tcp {}: eof$",
		}, said.hungUp},
		{ConnectionReset, "Python", []string{"closed connection without response", `badstatusline("''"`, "connection aborted{}broken pipe", "eof occurred in violation of protocol"}, said.hungUp},
		{ConnectionReset, "Node", []string{"socket hang up", "client network socket disconnected before secure tls connection", "write epipe"}, said.hungUp},
		{ConnectionReset, "Java", []string{
			"unexpected end of file from server", "nohttpresponseexception", "unexpected end of stream on", "remote host terminated the handshake",
			"remote host closed connection during handshake",
		}, said.hungUp},
		{ConnectionReset, ".NET", []string{"ioexception: unexpected end of stream", "the response ended prematurely"}, said.hungUp},
		{ConnectionReset, "Ruby, Rust, curl, OpenSSL 3", []string{
			"end of file reached", "connection closed before message completed", "error trying to connect: unexpected eof", "empty reply from server", "unexpected eof while reading",
		}, said.hungUp},

		{Timeout, "Python: urllib3 says how long it waited", []string{"read timed out. (read timeout={})"}, said.waited},
		{Timeout, "Go", []string{
			"dial tcp {}: i/o timeout", "dial tcp {}: connect: connection timed out", "dial tcp {}: connect: operation timed out",
			"dial tcp {}: connectex: a connection attempt failed because the connected party did not properly respond",
		}, said.tooLate},
		{Timeout, "Go", []string{"i/o timeout", "tls handshake timeout", "client.timeout exceeded", "timeout awaiting response headers"}, said.tooLate},
		{Timeout, "Go: a deadline, where a request or a connection met it", slices.Concat(requestTexts("http://{}: context deadline exceeded"), requestTexts("https://{}: context deadline exceeded"), []string{
			"dial tcp {}: context deadline exceeded",
		}), said.tooLate},
		{Timeout, "all clients", []string{
			"connection timed out", "operation timed out", "connect timed out", "read timed out", "etimedout", "esockettimedout", "errno 10060",
			"winerror 10060", "(os error 110)", "(os error 10060)", "did not properly respond after a period of time",
		}, said.tooLate},
		{Timeout, "Python", []string{
			"an http request took too long to complete", "handshake operation timed out", "socket.timeout: timed out", "connecttimeouterror", "readtimeouterror",
		}, said.tooLate},
		{Timeout, "Java", []string{"sockettimeoutexception", "connecttimeoutexception", "httpconnecttimeoutexception"}, said.tooLate},
		{Timeout, ".NET, Ruby, Rust, curl", []string{
			"configured httpclient.timeout of", "connect timeout reached", "read timeout reached", "net::opentimeout", "net::readtimeout",
			"deadline has elapsed", "timeout was reached",
		}, said.tooLate},
	}
}
