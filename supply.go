package dockertls

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// Material is what Options.Material supplies: the same as the fields of these
// names in [Options]. What is nil is decided by other settings. It is as safe to
// log, to print and to marshal as Options are.
type Material struct {
	CA, Cert PEM
	Key      Secret
	Signer   crypto.Signer `yaml:"-" json:"-"` // instead of Key
}

func (m Material) options() Options {
	return Options{CA: m.CA, Cert: m.Cert, Key: m.Key, Signer: m.Signer}
}

// String prints what there is, without secrets.
func (m Material) String() string { return m.options().String() }

// Format prints the same for every verb: a Signer may well be a key in memory.
func (m Material) Format(s fmt.State, _ rune) { io.WriteString(s, m.String()) }

// LogValue makes slog print what String prints.
func (m Material) LogValue() slog.Value { return slog.StringValue(m.String()) }

// supplyLimit bounds a call of Options.Material.
const supplyLimit = 10 * time.Second

// askMaterial asks a function of the caller's for material. A panic in it becomes
// an error: it may run in a goroutine of ours, where nobody could recover.
func askMaterial(ctx context.Context, supply func(context.Context) (Material, error), source string) (m Material, e *Error) {
	err := within(ctx, supplyLimit, func(ctx context.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		m, err = supply(ctx)
		return err
	})
	if err != nil {
		return Material{}, fail(MaterialUnavailable, source, "the function that supplies certificates and keys returned an error").cause(err)
	}
	return m, nil
}

// supply puts what Options.Material supplies into its layer, as if it had been
// written there.
func (r *resolution) supply() *Error {
	r.layers = slices.Clone(r.layers) // the caller's stay as they are
	c := r.first(fieldMaterial)
	if !c.set() {
		return nil
	}
	m, err := askMaterial(context.Background(), c.layer.Material, c.source)
	if err != nil {
		return err
	}
	r.supplying, r.supplySource = c.layer, c.source
	return c.layer.take(m, c.source)
}

// take sets the fields of material that was supplied.
func (o *Options) take(m Material, source string) *Error {
	supplied := m.options()
	none := true
	for _, f := range [...]field{fieldCA, fieldCert, fieldKey, fieldSigner} {
		if _, ok := supplied.value(f); !ok {
			continue
		}
		none = false
		if _, ok := o.value(f); ok {
			return fail(OptionsConflict, source, "it supplies %s, which is set as well", f.goName())
		}
		switch f {
		case fieldCA:
			o.CA = m.CA
		case fieldCert:
			o.Cert = m.Cert
		case fieldKey:
			o.Key = m.Key
		case fieldSigner:
			o.Signer = m.Signer
		}
		o.note(f, source, false)
	}
	if none {
		return fail(MaterialUnavailable, source, "it supplied nothing")
	}
	return o.checkConflicts()
}
