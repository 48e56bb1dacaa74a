import { EventLog } from '@/shared/live/EventLog';
import type { Scrape } from './samples';

/** Ten minutes of ten services scraped every five seconds. */
const HELD = 1200;

/** The scrapes that came while the page was open; kept when one goes to another page and comes back. */
export const scrapeLog = new EventLog<Scrape>(
  (scrape) => `${scrape.service} ${scrape.instance} ${scrape.at}`,
  HELD,
);
