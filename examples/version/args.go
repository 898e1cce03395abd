package main

import (
	"fmt"
	"strings"
)

// normalize turns arguments written for docker's command line into the form
// that the flag package reads, and refuses what docker refuses: docker has
// -Hvalue and -H=value for its short flags, and no -tls with a single dash.
func normalize(args []string) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--" || arg == "-" || !strings.HasPrefix(arg, "-"):
			return append(out, args[i:]...), nil
		case strings.HasPrefix(arg, "--"):
			name, _, joined := strings.Cut(arg[2:], "=")
			if len(name) < 2 {
				return nil, fmt.Errorf("unknown flag: --%s", name)
			}
			out = append(out, arg)
			if !joined && takesValue(name) && i+1 < len(args) {
				i++
				out = append(out, args[i])
			}
		default:
			long, ok := map[byte]string{'H': "host", 'c': "context"}[arg[1]]
			if !ok {
				return nil, fmt.Errorf("unknown shorthand flag: %q in %s", arg[1], arg)
			}
			value := arg[2:]
			if len(value) > 1 {
				value = strings.TrimPrefix(value, "=")
			}
			if value == "" {
				if i++; i == len(args) {
					return nil, fmt.Errorf("flag needs an argument: %s", arg)
				}
				value = args[i]
			}
			out = append(out, "--"+long+"="+value)
		}
	}
	return out, nil
}

func takesValue(flag string) bool {
	switch flag {
	case "tls", "tlsverify", "show-config", "help":
		return false
	}
	return true
}
