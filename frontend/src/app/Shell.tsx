import { Group, Text } from '@mantine/core';
import { IconActivityHeartbeat, IconLayoutDashboard } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { live } from '@/api/live';
import { useLiveState } from '@/shared/live/hooks';
import { LiveBadge } from '@/shared/ui/LiveBadge';
import { AccountMenu } from './AccountMenu';
import { InstrumentSearch } from './InstrumentSearch';
import { LiveBridge } from './LiveBridge';
import { MarketClock } from './MarketClock';
import { OfflineBanner } from './OfflineBanner';
import { LanguageToggle, ThemeToggle } from './Preferences';
import classes from './Shell.module.css';

const PAGES = [
  { to: '/', label: 'nav.overview', icon: IconLayoutDashboard },
  { to: '/monitoring', label: 'nav.monitoring', icon: IconActivityHeartbeat },
] as const;

/** What every page stands in: the bar on top, and on a phone the tabs at the bottom. */
export function Shell() {
  const { t } = useTranslation();
  const state = useLiveState(live.predictions);
  return (
    <>
      <LiveBridge />
      <a href="#main" className="skip-link">
        {t('nav.skip')}
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <Link to="/" className={classes.brand} aria-label="Stock MLOps">
            <img src="/favicon.svg" width={28} height={28} alt="" />
            <Text fw={700} visibleFrom="lg">
              Stock MLOps
            </Text>
          </Link>
          <nav className={classes.links} aria-label={t('nav.label')}>
            <PageLinks className={classes.link} />
          </nav>
          <div className={classes.search}>
            <InstrumentSearch />
          </div>
          <div className={classes.clock}>
            <MarketClock />
          </div>
          <LiveBadge state={state} />
          <Group gap={0} wrap="nowrap">
            <AccountMenu />
            <ThemeToggle />
            <LanguageToggle />
          </Group>
        </div>
      </header>
      <main id="main" className={classes.main}>
        <OfflineBanner />
        <Outlet />
      </main>
      <nav className={classes.tabs} aria-label={t('nav.label')}>
        <PageLinks className={classes.tab} />
      </nav>
    </>
  );
}

function PageLinks({ className }: { className: string | undefined }) {
  const { t } = useTranslation();
  return PAGES.map(({ to, label, icon: Icon }) => (
    <Link key={to} to={to} className={className} activeOptions={{ exact: to === '/' }}>
      <Icon size={18} aria-hidden />
      {t(label)}
    </Link>
  ));
}
