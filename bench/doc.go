// Package bench compares dockertls with what programs would use without it.
// Programs print how the two relate:
//
//	go -C bench run ./resolve
//	go -C bench run ./request
//
// The first compares Resolve with the FromEnv of moby's client: the same
// variables, files and process, and the result ready for requests. No connection
// is made: work that is left to the first handshake does not count. FromEnv
// copies the system's roots, and costs the more the more of them there are.
//
// The second compares requests with those of a bare [net/http.Transport] that
// has the same TLS configuration. The server is another process. A second bare
// transport shows what is chance.
package bench
