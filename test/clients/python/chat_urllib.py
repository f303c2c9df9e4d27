import json
import sys
import urllib.request

ask = {"model": "gpt-5.1", "messages": [{"role": "user", "content": sys.argv[1]}]}
headers = {"authorization": "Bearer none", "content-type": "application/json"}
request = urllib.request.Request("https://api.openai.com/v1/chat/completions", json.dumps(ask).encode(), headers)
with urllib.request.urlopen(request) as answer:
    print(answer.status, json.load(answer)["choices"][0]["message"]["content"])
