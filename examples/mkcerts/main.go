// Command mkcerts makes the certificates of a Docker daemon and its clients: an
// authority, a certificate for the daemon with the names and addresses by which
// clients reach it, and one for a client, under the names that docker looks for.
// Then it prints the commands that use them.
//
//	go run ./examples/mkcerts -o DIR localhost 10.0.0.5 ubuntuvm
//	go run ./examples/mkcerts --renew -o DIR
//	go run ./examples/mkcerts --client alice -o DIR
//
// What it makes passes the strict checks of OpenSSL 3 and Python 3.13 as well as
// Go's. It replaces files only with --renew, and writes all or none of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	maxDays   = 825 // what Apple's systems accept at most
	exitUsage = 2
)

const usage = `usage: mkcerts -o DIR [flags] NAME...          make a set for a daemon with these names and IP addresses
       mkcerts -o DIR --renew [NAME...]       issue the daemon's and the client's certificates anew
       mkcerts -o DIR --client NAME           one more client, in DIR/clients/NAME; with --renew: anew
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	j, err := parseArgs(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "mkcerts:", err)
		return exitUsage
	}
	done, err := j.run(ctx)
	for _, w := range done.warnings {
		fmt.Fprintln(stderr, "warning:", w)
	}
	if err == nil {
		_, err = io.WriteString(stdout, done.text())
	}
	if err != nil {
		fmt.Fprintf(stderr, "mkcerts: %+v\n", err)
		return 1
	}
	return 0
}

func parseArgs(args []string, stderr io.Writer) (job, error) {
	j := job{now: time.Now()}
	fs := flag.NewFlagSet("mkcerts", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&j.dir, "o", "", "the `folder` of the certificates")
	fs.BoolVar(&j.renew, "renew", false, "issue certificates anew, with the authority that is there")
	fs.StringVar(&j.client, "client", "", "make a pair for one more client of this `name`")
	fs.IntVar(&j.rsaBits, "rsa", 0, "make RSA keys of 2048 or 4096 `bits` in place of ECDSA P-256")
	fs.IntVar(&j.days, "days", maxDays, "validity of the daemon's and the clients' certificates in `days`")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, usage)
			fs.SetOutput(stderr)
			fs.PrintDefaults()
		}
		return job{}, err
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if given["client"] && j.client == "" {
		return job{}, errors.New("--client needs a name")
	}
	var err error
	if j.names, err = parseNames(fs.Args()); err != nil {
		return job{}, err
	}
	return j, j.check()
}

// check finds flags that make no sense, alone or together.
func (j job) check() error {
	switch {
	case j.dir == "":
		return errors.New("say where: -o DIR")
	case j.rsaBits != 0 && j.rsaBits != 2048 && j.rsaBits != 4096:
		return fmt.Errorf("--rsa %d: 2048 or 4096", j.rsaBits)
	case j.days < 1 || j.days > maxDays:
		return fmt.Errorf("--days %d: from 1 to %d, as some systems refuse more", j.days, maxDays)
	case j.client != "" && len(j.names) > 0:
		return errors.New("--client takes no names of hosts: a client's certificate has none")
	case j.client != "":
		return checkClientName(j.client)
	case !j.renew && len(j.names) == 0:
		return errors.New("say by which names and IP addresses clients reach the daemon: mkcerts -o DIR localhost 10.0.0.5")
	}
	return nil
}
