package bench

import "testing"

func TestSides(t *testing.T) {
	cases, err := Cases(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			c.setenv(t)
			if err := Ours(); err != nil {
				t.Error("ours:", err)
			}
			if err := Moby(); err != nil {
				t.Error("moby:", err)
			}
		})
	}
}

// For profiles; for ratios see Compare.
func BenchmarkFromEnv(b *testing.B) {
	cases, err := Cases(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range cases {
		b.Run(c.Name+"/dockertls", func(b *testing.B) { c.run(b, Ours) })
		b.Run(c.Name+"/moby", func(b *testing.B) { c.run(b, Moby) })
	}
}

func (c Case) run(b *testing.B, side func() error) {
	c.setenv(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := side(); err != nil {
			b.Fatal(err)
		}
	}
}

func (c Case) setenv(tb testing.TB) {
	tb.Helper()
	for name, value := range c.Env {
		tb.Setenv(name, value)
	}
}
