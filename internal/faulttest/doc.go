// Package faulttest is a catalogue of the ways in which a connection to a
// daemon fails, each with the peer that makes it fail and what a diagnosis must
// say of it. It is for tests only.
//
// The peers are the real thing wherever one can be made to fail in that way:
// dockerd, openssl, haproxy, nginx, stunnel, sshd, Go's own server. What no
// honest program does is scripted. They run on loopback and end with the test.
// Where a program is missing, the fault is skipped; see package programtest.
//
// The rows know nothing of the library but its Options, Kinds and the words
// that a reader needs.
package faulttest
