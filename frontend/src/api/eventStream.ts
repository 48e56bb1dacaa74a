import { problemFrom } from '@/shared/problem';
import { session } from './session';

/** One server-sent event. */
export interface StreamEvent {
  name: string;
  data: string;
}

/** The end of a line, and of an event, which an empty line is. */
const LINE = /\r\n|\r|\n/;
const EVENT = /\r\n\r\n|\r\r|\n\n/;

function parsed(block: string): StreamEvent | null {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(LINE)) {
    const [field = '', ...rest] = line.split(':');
    const value = rest.join(':').replace(/^ /, '');
    if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  // A comment keeps the connection open, and is no event.
  return data.length > 0 ? { name, data: data.join('\n') } : null;
}

/**
 * The events of a path of the API, until the server ends them. Not by an `EventSource`, which cannot send the session's
 * token.
 *
 * @throws ApiProblem when the API refuses, whatever `fetch` throws when the connection breaks or `signal` aborts.
 */
export async function* eventStream(path: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const headers = { Accept: 'text/event-stream' };
  const request = new Request(new URL(path, globalThis.location.origin), { headers, signal });
  const response = await session.fetch(request);
  if (!response.ok || !response.body) throw problemFrom(response, null);
  const text = response.body.pipeThrough(new TextDecoderStream());
  let held = '';
  for (const reader = text.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (held + value).split(EVENT);
    held = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parsed(block);
      if (event) yield event;
    }
  }
}
