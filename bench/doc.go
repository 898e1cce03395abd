// Package bench compares Resolve with the FromEnv of moby's client: the same
// variables, files and process, and the result ready for requests. The program
// in resolve prints how they relate.
//
// No connection is made: work that is left to the first handshake does not
// count. FromEnv copies the system's roots, and costs the more the more of them
// there are.
package bench
