//go:build unix

package dockertls

import (
	"cmp"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owners are the names of a file's owner and group, or their numbers.
func owners(info fs.FileInfo) (owner, group string) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	owner, group = strconv.FormatUint(uint64(stat.Uid), 10), strconv.FormatUint(uint64(stat.Gid), 10)
	if u, err := user.LookupId(owner); err == nil {
		owner = cmp.Or(u.Username, owner)
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = cmp.Or(g.Name, group)
	}
	return oneLine(owner), oneLine(group)
}

// isOurs tells whether a file belongs to this process's user, or to root.
func isOurs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int64(stat.Uid) == int64(os.Geteuid()))
}
