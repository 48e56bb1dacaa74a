/** A text frame of `/ws/*`, as ws_monitor sends it. */
export interface Frame {
  kind: 'snapshot' | 'update' | 'gap' | 'ping';
  /** Where a client that reconnects may go on; empty before the first message. */
  cursor: string;
  messages: readonly Message[];
}

export interface Message {
  /** `<partition>:<offset>` */
  seq: string;
  time: string;
  data: unknown;
}

const KINDS: readonly string[] = ['snapshot', 'update', 'gap', 'ping'];

/** Reads a frame; null when the text is none (a newer server may send kinds that this page does not know). */
export function parseFrame(text: string): Frame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { kind, cursor, messages } = value as Record<string, unknown>;
  if (typeof kind !== 'string' || !KINDS.includes(kind)) return null;
  return {
    kind: kind as Frame['kind'],
    cursor: typeof cursor === 'string' ? cursor : '',
    messages: Array.isArray(messages) ? (messages as Message[]) : [],
  };
}
