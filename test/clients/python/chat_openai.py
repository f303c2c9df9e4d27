import sys

from openai import OpenAI

client = OpenAI(api_key="none", max_retries=0)
ask = {"model": "gpt-5.1", "messages": [{"role": "user", "content": sys.argv[1]}]}
whole = client.chat.completions.with_raw_response.create(**ask)
print(whole.status_code, whole.parse().choices[0].message.content)
print("".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**ask, stream=True) if chunk.choices))
