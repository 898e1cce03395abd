package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A Table prints rows of right-aligned columns, once it is flushed.
type Table struct{ w *tabwriter.Writer }

// NewTable begins with the names of the columns.
func NewTable(w io.Writer, names ...string) Table {
	t := Table{tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)}
	t.Row(names...)
	return t
}

// Row adds a row.
func (t Table) Row(cells ...string) {
	fmt.Fprintln(t.w, strings.Join(cells, "\t")+"\t")
}

// Flush prints what there is.
func (t Table) Flush() error { return t.w.Flush() }

// Spread is the median of a ratio and its quartiles, as two cells.
func Spread(ratio [3]float64) (median, quartiles string) {
	return fmt.Sprintf("%.3f", ratio[1]), fmt.Sprintf("%.3f to %.3f", ratio[0], ratio[2])
}
