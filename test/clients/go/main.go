package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func main() {
	body, _ := json.Marshal(map[string]any{"model": "gpt-5.1", "messages": []message{{"user", os.Args[1]}}})
	answer, err := http.Post("https://api.openai.com/v1/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	var said struct {
		Choices []struct{ Message message }
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || len(said.Choices) == 0 {
		fmt.Fprintln(os.Stderr, answer.StatusCode, err)
		os.Exit(1)
	}
	fmt.Println(answer.StatusCode, said.Choices[0].Message.Content)
}
