import sys

import httpx

ask = {"model": "gpt-5.1", "messages": [{"role": "user", "content": sys.argv[1]}]}
with httpx.Client(http2=True) as client:
    answer = client.post("https://api.openai.com/v1/chat/completions", json=ask, headers={"authorization": "Bearer none"})
assert answer.http_version == "HTTP/2", answer.http_version
print(answer.status_code, answer.json()["choices"][0]["message"]["content"])
