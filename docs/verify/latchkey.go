// Package latchkey asks Latchkey whether a key is good. The standard library is all it needs.
package latchkey

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const deadline = 3 * time.Second

// Decision says whether the key is good, and if not, why: UNAVAILABLE is Latchkey's fault or the network's, answer 503.
type Decision struct {
	Valid      bool
	Code       string
	RetryAfter time.Duration
	Body       map[string]any
}

var client = &http.Client{
	// The service key goes to nobody else.
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Verify never fails: whatever goes wrong, the decision is "no". No error is returned because it may repeat the request.
func Verify(ctx context.Context, url, serviceKey, key string, question map[string]any) Decision {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	asked := map[string]any{}
	for name, value := range question {
		asked[name] = value
	}
	asked["key"] = key
	text, err := json.Marshal(asked)
	if err != nil {
		return unavailable(time.Second)
	}
	retryAfter := time.Second
	for {
		answer, err := ask(ctx, url, serviceKey, text)
		if err != nil {
			return unavailable(retryAfter)
		}
		if answer.StatusCode == http.StatusOK {
			return read(answer)
		}
		answer.Body.Close()
		// 401 and 403 are about the service key: trying again does not help.
		if answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode != http.StatusServiceUnavailable {
			return unavailable(retryAfter)
		}
		retryAfter = time.Second
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 1 {
			retryAfter = time.Duration(seconds) * time.Second
		}
		if until, _ := ctx.Deadline(); time.Now().Add(retryAfter).After(until) {
			return unavailable(retryAfter)
		}
		select {
		case <-ctx.Done():
			return unavailable(retryAfter)
		case <-time.After(retryAfter):
		}
	}
}

func ask(ctx context.Context, url, serviceKey string, text []byte) (*http.Response, error) {
	target := strings.TrimRight(url, "/") + "/v1/verify"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+serviceKey)
	request.Header.Set("Content-Type", "application/json")
	return client.Do(request)
}

func read(answer *http.Response) Decision {
	defer answer.Body.Close()
	var body map[string]any
	if json.NewDecoder(answer.Body).Decode(&body) != nil {
		return unavailable(time.Second)
	}
	valid, _ := body["valid"].(bool)
	code, _ := body["code"].(string)
	wait, _ := body["retry_after_ms"].(float64)
	// Only these two together are a yes.
	if valid != (code == "VALID") || code == "" {
		return unavailable(time.Second)
	}
	return Decision{Valid: valid, Code: code, RetryAfter: time.Duration(wait) * time.Millisecond, Body: body}
}

func unavailable(retryAfter time.Duration) Decision {
	return Decision{Code: "UNAVAILABLE", RetryAfter: retryAfter, Body: map[string]any{}}
}
