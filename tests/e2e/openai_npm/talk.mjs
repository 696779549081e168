// Lets OpenAI's SDK talk to a gateway: `node talk.mjs STEP BASE_URL KEY` prints what it understood as JSON.

import OpenAI from "openai";

const [step, baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

const steps = {
  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    return names;
  },

  async chat() {
    const answer = await client.chat.completions.create({ model: "ada", messages: [{ role: "user", content: "hello" }] });
    return { text: answer.choices[0].message.content, tokens: answer.usage.total_tokens, model: answer.model };
  },

  async chatStream() {
    const messages = [{ role: "user", content: "!tool todo {}" }];
    const stream = client.chat.completions.stream({ model: "ada", messages });
    const pieces = [];
    stream.on("content", (piece) => pieces.push(piece));
    const answer = await stream.finalChatCompletion();
    return { pieces, text: answer.choices[0].message.content, reason: answer.choices[0].finish_reason };
  },

  async responses() {
    const first = await client.responses.create({ model: "ada", input: "the word is plum", instructions: "Be brief." });
    const second = await client.responses.create({
      model: "ada", input: "!history", previous_response_id: first.id, metadata: { a: "b" },
    });
    const parts = [{ role: "user", content: [{ type: "input_text", text: "!persona" }] }];
    const third = await client.responses.create({ model: "ada", input: parts, conversation: "talk" });
    return { first, second, third };
  },

  async responsesStream() {
    const events = [];
    const stream = client.responses.stream({ model: "ada", input: "!tool todo {}" });
    for await (const event of stream) events.push(event.type);
    const final = await stream.finalResponse();
    const plain = [];
    for await (const event of await client.responses.create({ model: "ada", input: "hello", stream: true })) {
      plain.push(event.type === "response.output_text.delta" ? event.delta : event.type);
    }
    return { events, final, plain };
  },

  async kept() {
    const made = await client.responses.create({ model: "ada", input: "hello" });
    const read = await client.responses.retrieve(made.id);
    await client.responses.delete(made.id);
    return { made: made.output_text, read: read.output_text, gone: await failure(client.responses.retrieve(made.id)) };
  },

  async errors() {
    const wrongKey = new OpenAI({ baseURL, apiKey: "not-the-right-key-0123456789", maxRetries: 0 });
    return {
      key: await failure(wrongKey.models.list()),
      model: await failure(client.responses.create({ model: "nobody", input: "hello" })),
      previous: await failure(client.responses.create({ model: "ada", input: "x", previous_response_id: "resp_0" })),
      body: await failure(client.responses.create({ model: "ada", input: [{ type: "item_reference", id: "x" }] })),
      failed: await failure(client.responses.create({ model: "ada", input: "!fail 500" })),
      dropped: await lastEvent({ model: "ada", input: "!drop", stream: true }),
    };
  },

  async profiles() {
    const said = {};
    for (const model of ["ada", "bob", "hermes-agent"]) {
      said[model] = (await client.responses.create({ model, input: "!persona" })).output_text;
    }
    return said;
  },
};

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { name: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
  return null;
}

async function lastEvent(request) {
  let last = null;
  for await (const event of await client.responses.create(request)) last = event;
  return { type: last.type, code: last.response.error.code };
}

console.log(JSON.stringify(await steps[step]()));
