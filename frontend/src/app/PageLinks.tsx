import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { PAGES } from './pages';

/** Links to all pages that the reader may open. */
export function PageLinks({ className }: { className: string | undefined }) {
  const { t } = useTranslation();
  const isAdmin = useMay('admin');
  return PAGES.filter((page) => !('needs' in page) || isAdmin).map(({ to, label, icon: Icon }) => (
    <Link key={to} to={to} className={className} activeOptions={{ exact: to === '/' }} title={t(label)}>
      <Icon size={19} stroke={1.75} aria-hidden />
      <span>{t(label)}</span>
    </Link>
  ));
}
