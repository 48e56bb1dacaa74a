import { lazy, Suspense } from 'react';
import { useSessionState } from '@/api/access';
import { Shell } from './Shell';

const LoginPage = lazy(() => import('./LoginPage'));

/** The page, or what asks who one is when the API wants to know. */
export function Root() {
  if (useSessionState() !== 'out') return <Shell />;
  return (
    <Suspense>
      <LoginPage />
    </Suspense>
  );
}
