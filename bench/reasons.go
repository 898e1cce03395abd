package main

// What profiles show of the goals that were missed at times.
const (
	resolveReason = "More than half of it is crypto/x509, which parses two certificates and a key, and a third is opening and " +
		"reading three files: bare net/http does no less. What is more than that finds out what is wrong, and says where each value came from."
	sharedReason = "What is left is the environment, three files that are looked at (a system call each), and the Config and " +
		"its Transport."
	rsaReason = "What is left is the daemon's half of a resumed handshake and a new connection; the others wait for a " +
		"signature by RSA 4096 and for crypto/x509."
	pingReason  = "Bare net/http takes as long, on this kernel: more than moby's own part cannot be saved."
	firstReason = "A key of RSA 4096 is parsed and checked when the first connection needs it, 0.5 ms that the others " +
		"spend on making the client (the rows \"with client made\" have both); the session is kept, for the next connection."
	firstECDSAReason = "It takes some 20 to 50 µs of CPU time more: when the certificates expire is worked out, the files are " +
		"looked at, and the session is kept for the next connection."
	ecdsaReason = "A resumed handshake still makes both key shares of X25519MLKEM768 and their secret, about a fifth of the " +
		"client's time, and with ECDSA the signatures that it saves are no longer the larger part."
	fewerReason = "Without a request, most of it is the Transport, the tls.Config that it shows to other clients, and what " +
		"Settings tells; with one, also the session and what net/http keeps."
)
