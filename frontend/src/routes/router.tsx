import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
} from '@tanstack/react-router';
import { Root } from '@/app/Root';
import { NotFound, RouteProblem } from '@/app/RouteStates';
import { readStockSearch } from './stockSearch';

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound });

const overviewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: lazyRouteComponent(() => import('@/features/overview/OverviewPage'), 'OverviewPage'),
});

const stockRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/stock/$exchange/$ticker',
  validateSearch: readStockSearch,
  component: lazyRouteComponent(() => import('@/features/stock/StockPage'), 'StockPage'),
});

const monitoringRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/monitoring',
  component: lazyRouteComponent(() => import('@/features/monitoring/MonitoringPage'), 'MonitoringPage'),
});

const modelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/models',
  component: lazyRouteComponent(() => import('@/features/models/ModelsPage'), 'ModelsPage'),
});

const predictRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/predict',
  component: lazyRouteComponent(() => import('@/features/predict/PredictPage'), 'PredictPage'),
});

const datasetsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/datasets',
  component: lazyRouteComponent(() => import('@/features/datasets/DatasetsPage'), 'DatasetsPage'),
});

const adminRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/admin',
  component: lazyRouteComponent(() => import('@/features/admin/AdminPage'), 'AdminPage'),
});

/** Every page is its own bundle; hovering over a link fetches it. */
export function createAppRouter(history?: RouterHistory) {
  return createRouter({
    history,
    routeTree: rootRoute.addChildren([
      overviewRoute,
      stockRoute,
      predictRoute,
      modelsRoute,
      datasetsRoute,
      monitoringRoute,
      adminRoute,
    ]),
    defaultPreload: 'intent',
    defaultErrorComponent: RouteProblem,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
