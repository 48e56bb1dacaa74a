import { ADMIN_TABS, type AdminTab } from '@/features/admin/tabs';
import { oneOf, textOf } from './searchValues';

/** What the page of administration keeps in its address. */
export interface AdminSearch {
  tab?: AdminTab | undefined;
  /** whose changes the audit log shows */
  actor?: string | undefined;
}

/** Reads the address; what makes no sense is left out. */
export function readAdminSearch(search: Record<string, unknown>): AdminSearch {
  const tab = oneOf(search.tab, ADMIN_TABS);
  return { tab: tab === ADMIN_TABS[0] ? undefined : tab, actor: textOf(search.actor) };
}
