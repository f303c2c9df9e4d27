use serde_json::{json, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let prompt = std::env::args().nth(1).expect("a prompt");
    let ask = json!({"model": "gpt-5.1", "messages": [{"role": "user", "content": prompt}]});
    let answer = reqwest::blocking::Client::new().post("https://api.openai.com/v1/chat/completions").json(&ask).send()?;
    let status = answer.status().as_u16();
    let said: Value = answer.json()?;
    println!("{} {}", status, said["choices"][0]["message"]["content"].as_str().unwrap_or("nothing"));
    Ok(())
}
