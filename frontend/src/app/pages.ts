import {
  IconActivityHeartbeat,
  IconBrain,
  IconDatabase,
  IconHistoryToggle,
  IconLayoutDashboard,
  IconSettings,
  IconSparkles,
} from '@tabler/icons-react';
import type { Scope } from '@/api/access';

/** What the navigation offers, in its order; `needs`: to whom. */
export const PAGES = [
  { to: '/', label: 'nav.overview', icon: IconLayoutDashboard },
  { to: '/predict', label: 'nav.predict', icon: IconSparkles },
  { to: '/models', label: 'nav.models', icon: IconBrain },
  { to: '/simulations', label: 'nav.simulations', icon: IconHistoryToggle },
  { to: '/datasets', label: 'nav.datasets', icon: IconDatabase },
  { to: '/monitoring', label: 'nav.monitoring', icon: IconActivityHeartbeat },
  { to: '/admin', label: 'nav.admin', icon: IconSettings, needs: 'admin' },
] as const satisfies readonly { to: string; label: string; icon: typeof IconBrain; needs?: Scope }[];
