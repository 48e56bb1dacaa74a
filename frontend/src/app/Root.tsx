import { useSessionState } from '@/api/access';
import { LoginPage } from './LoginPage';
import { Shell } from './Shell';

/** The page, or what asks who one is when the API wants to know. */
export function Root() {
  return useSessionState() === 'out' ? <LoginPage /> : <Shell />;
}
