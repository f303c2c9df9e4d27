import sys

from anthropic import Anthropic

client = Anthropic(api_key="none", max_retries=0)
ask = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": sys.argv[1]}]}
whole = client.messages.with_raw_response.create(**ask)
print(whole.status_code, whole.parse().content[0].text)
with client.messages.stream(**ask) as stream:
    print("".join(stream.text_stream))
