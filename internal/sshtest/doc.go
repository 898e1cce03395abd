// Package sshtest starts an OpenSSH server on loopback, with keys of its own, a user's ssh program
// that knows it, and a stand-in for docker on the other side. It is for tests only.
//
// Nobody's own ssh configuration takes part: OpenSSH finds that by the user database, not by HOME, so
// the ssh on the test's PATH is a script that runs the real one with another file. The user
// is the one who runs the test; the login shell of that user runs, with its startup files.
//
// Where OpenSSH is missing the test is skipped, with a sentence that says how to get it. With
// DOCKERTLS_REQUIRE=1, as in CI, it fails.
package sshtest
