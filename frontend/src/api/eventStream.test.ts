import { http, HttpResponse } from 'msw';
import { expect, it } from 'vitest';
import { server, url } from '@/testing/server';
import { eventStream, type StreamEvent } from './eventStream';

async function read(...pieces: string[]): Promise<StreamEvent[]> {
  server.use(
    http.get(url('/api/stream'), () => {
      const body = new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
          controller.close();
        },
      });
      return new HttpResponse(body, { headers: { 'Content-Type': 'text/event-stream' } });
    }),
  );
  const events: StreamEvent[] = [];
  for await (const event of eventStream('/api/stream', new AbortController().signal)) events.push(event);
  return events;
}

it('reads events however the network cuts them, and leaves comments out', async () => {
  const events = await read(
    ': waiting\n\nevent: prog',
    'ress\nid: 1\ndata: {"a":\ndata: 1}\n',
    '\nevent: end\r\ndata: x: y\r\n\r\n',
  );
  expect(events).toEqual([
    { name: 'progress', data: '{"a":\n1}' },
    { name: 'end', data: 'x: y' },
  ]);
});

it('keeps back what the server did not finish', async () => {
  expect(await read('data: whole\n\ndata: torn')).toEqual([{ name: 'message', data: 'whole' }]);
});

it('throws what the API answers instead', async () => {
  server.use(http.get(url('/api/stream'), () => new HttpResponse(null, { status: 410 })));
  const events = eventStream('/api/stream', new AbortController().signal);
  await expect(events.next()).rejects.toMatchObject({ status: 410 });
});
