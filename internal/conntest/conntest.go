// Package conntest serves the servers that tests write themselves. It is for
// tests only.
package conntest

import (
	"net"
	"sync"
)

// A Server accepts connections, and closes those that are left when it ends.
type Server struct {
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	accepted int
	open     map[net.Conn]bool
}

// Serve runs talk for every connection of a listener, and closes it then.
func Serve(listener net.Listener, talk func(net.Conn)) *Server {
	s := &Server{listener: listener, open: map[net.Conn]bool{}}
	s.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.accepted++
			s.mu.Unlock()
			s.running.Go(func() {
				if s.Keep(conn) {
					talk(conn)
				}
				s.Forget(conn)
			})
		}
	})
	return s
}

// Keep has a connection closed when the server ends, and tells whether it may
// live. It is for those that talk makes itself.
func (s *Server) Keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[conn] = true
	return !s.closed
}

// Forget closes a connection that was kept.
func (s *Server) Forget(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// Accepted returns how many connections have come.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Open returns how many are open, those of Keep included.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Close ends the server and its connections, and waits for talk to return.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.open {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
