import { http, HttpResponse } from 'msw';
import type { Retraining } from '@/api/retraining';
import { FakeWebSocket } from './FakeWebSocket';
import { MODEL_ID, modelDetail } from './modelFactories';
import { retrainingEvidence, retrainingPolicy } from './retrainingFactories';
import { server, url } from './server';

/** Where the API tells of the model, and its page does of its retrainings. */
export const MODEL_API = `/api/models/${MODEL_ID}`;
export const RETRAINING_PAGE = `/models/${MODEL_ID}?tab=retraining`;

/** Answers what the tab asks for. */
export function serveRetrainingPage(items: () => readonly Retraining[]): void {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/train'), () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get(url(MODEL_API), () => HttpResponse.json(modelDetail())),
    http.get(url(`${MODEL_API}/retrainings`), () => HttpResponse.json({ items: items() })),
    http.get(url(`${MODEL_API}/retraining-policy`), () => HttpResponse.json(retrainingPolicy())),
    http.get(url(`${MODEL_API}/retraining-evidence`), () => HttpResponse.json(retrainingEvidence())),
  );
}
