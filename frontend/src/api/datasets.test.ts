import { QueryClient } from '@tanstack/react-query';
import { http, HttpResponse } from 'msw';
import { describe, expect, it } from 'vitest';
import { bar, dataset } from '@/testing/factories';
import { server, url } from '@/testing/server';
import { datasetKeys, followSessions, mergeBars, pricesQuery, withClose } from './datasets';

const AAPL = { exchange: 'US', ticker: 'AAPL' };

describe('mergeBars', () => {
  it('adds new sessions behind those that are held', () => {
    const held = [bar('2012-09-12', 1), bar('2012-09-13', 2)];
    const merged = mergeBars(held, [bar('2012-09-13', 2), bar('2012-09-14', 3)]);
    expect(merged?.map((item) => item.session)).toEqual(['2012-09-12', '2012-09-13', '2012-09-14']);
  });

  it('keeps what is held when nothing came', () => {
    expect(mergeBars([bar('2012-09-12', 1)], [])).toEqual([bar('2012-09-12', 1)]);
  });

  it('refuses to mix prices that were adjusted differently', () => {
    expect(mergeBars([bar('2012-09-12', 100)], [bar('2012-09-12', 99), bar('2012-09-13', 98)])).toBeNull();
  });
});

describe('pricesQuery', () => {
  const sessions = Array.from({ length: 8 }, (_, day) => bar(`2012-09-1${day}`, 100 + day));

  /** Serves the bars, and notes from where each request wanted them. */
  function serve(bars: () => typeof sessions): (string | null)[] {
    const starts: (string | null)[] = [];
    server.use(
      http.get(url('/api/datasets/US/AAPL/prices'), ({ request }) => {
        const start = new URL(request.url).searchParams.get('start');
        starts.push(start);
        const items = bars().filter((item) => !start || item.session >= start);
        return HttpResponse.json({ exchange: 'US', ticker: 'AAPL', items });
      }),
    );
    return starts;
  }

  it('reads the history once, then only what was added', async () => {
    let bars = sessions.slice(0, 7);
    const starts = serve(() => bars);
    const client = new QueryClient();
    await client.query(pricesQuery(AAPL));
    bars = sessions;
    const after = await client.query({ ...pricesQuery(AAPL), staleTime: 0 });
    expect(after).toEqual(sessions);
    expect(starts).toEqual([null, '2012-09-12']);
  });

  it('reads the whole history again when a dividend changed the past', async () => {
    let bars = sessions.slice(0, 7);
    const starts = serve(() => bars);
    const client = new QueryClient();
    await client.query(pricesQuery(AAPL));
    bars = sessions.map((item) => ({ ...item, close: item.close * 0.99 }));
    const after = await client.query({ ...pricesQuery(AAPL), staleTime: 0 });
    expect(after).toEqual(bars);
    expect(starts).toEqual([null, '2012-09-12', null]);
  });
});

it('adds a later close to a sparkline, and none that it has', () => {
  const held = [{ session: '2012-09-13', close: 1 }];
  expect(withClose(held, { session: '2012-09-14', close: 2 })).toHaveLength(2);
  expect(withClose(held, { session: '2012-09-13', close: 9 })).toEqual(held);
});

describe('followSessions', () => {
  const recent = datasetKeys.recent(AAPL);
  const before = dataset({ last_session: '2012-09-13', rows: 100 });

  function clientWithSparkline(): QueryClient {
    const client = new QueryClient();
    client.setQueryData(recent, [{ session: '2012-09-13', close: 1 }]);
    return client;
  }

  it('adds the close of one session more from the list', () => {
    const client = clientWithSparkline();
    followSessions(client, [before], [dataset({ last_session: '2012-09-14', rows: 101, last_close: 2 })]);
    expect(client.getQueryData(recent)).toEqual([
      { session: '2012-09-13', close: 1 },
      { session: '2012-09-14', close: 2 },
    ]);
  });

  it('has the closes read again when several sessions came', () => {
    const client = clientWithSparkline();
    followSessions(client, [before], [dataset({ last_session: '2012-09-17', rows: 103 })]);
    expect(client.getQueryState(recent)?.isInvalidated).toBe(true);
  });

  it('leaves alone what has not moved, or was not known', () => {
    const client = clientWithSparkline();
    followSessions(client, [before], [before]);
    followSessions(client, [], [dataset()]);
    expect(client.getQueryData(recent)).toEqual([{ session: '2012-09-13', close: 1 }]);
    expect(client.getQueryState(recent)?.isInvalidated).toBe(false);
  });
});
