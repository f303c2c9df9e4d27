import sys

import httpx

ask = {"model": "gpt-5.1", "messages": [{"role": "user", "content": sys.argv[1]}]}
answer = httpx.post("https://api.openai.com/v1/chat/completions", json=ask, headers={"authorization": "Bearer none"})
print(answer.status_code, answer.json()["choices"][0]["message"]["content"])
