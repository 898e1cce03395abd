package dockertls

func explainText(text string) *Error { return nil }
