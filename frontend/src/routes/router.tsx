import { noop, type QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
} from '@tanstack/react-router';
import { datasetsQuery } from '@/api/datasets';
import { featuresQuery, modelTypesQuery } from '@/api/modelOptions';
import { modelQuery } from '@/api/models';
import { predictionDetailQuery } from '@/api/predictionDetail';
import { simulationQuery } from '@/api/simulations';
import { Root } from '@/app/Root';
import { NotFound, RouteProblem } from '@/app/RouteStates';
import { OverviewPage } from '@/features/overview/OverviewPage';
import { readAdminSearch } from './adminSearch';
import { readDatasetsSearch } from './datasetsSearch';
import { readMonitoringSearch } from './monitoringSearch';
import { readOverviewSearch } from './overviewSearch';
import {
  readCompareSearch,
  readModelSearch,
  readModelsSearch,
  readNewModelSearch,
  readPredictSearch,
} from './modelSearch';
import { readSimulationSearch, readSimulationsSearch } from './simulationSearch';
import { readStockSearch } from './stockSearch';

/** Of the pages but the first: their bundle with the styles that it uses, which its own come after. */
function withStyles<T>(page: () => Promise<T>): () => Promise<T> {
  return async () => (await Promise.all([import('@/shared/ui/mantineMore'), page()]))[1];
}

/** `client`: the pages' cache. What a page shows nothing without is asked for while its bundle is still fetched. */
const rootRoute = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Root,
  notFoundComponent: NotFound,
});

const overviewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: readOverviewSearch,
  component: OverviewPage,
});

const stockRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/stock/$exchange/$ticker',
  validateSearch: readStockSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/stock/StockPage')),
    'StockPage',
  ),
});

const monitoringRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/monitoring',
  validateSearch: readMonitoringSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/monitoring/MonitoringPage')),
    'MonitoringPage',
  ),
});

const modelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/models',
  validateSearch: readModelsSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/models/ModelsPage')),
    'ModelsPage',
  ),
});

const newModelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/models/new',
  validateSearch: readNewModelSearch,
  loader: ({ context: { client } }) => {
    client.query(datasetsQuery()).catch(noop);
    client.query(modelTypesQuery()).catch(noop);
    client.query(featuresQuery()).catch(noop);
  },
  component: lazyRouteComponent(
    withStyles(() => import('@/features/models/form/NewModelPage')),
    'NewModelPage',
  ),
});

const modelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/models/$modelId',
  validateSearch: readModelSearch,
  loader: ({ context, params }) => {
    context.client.query(modelQuery(params.modelId)).catch(noop);
  },
  component: lazyRouteComponent(
    withStyles(() => import('@/features/models/detail/ModelPage')),
    'ModelPage',
  ),
});

const compareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/models/$modelId/compare',
  validateSearch: readCompareSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/models/compare/ComparePage')),
    'ComparePage',
  ),
});

const predictRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/predict',
  validateSearch: readPredictSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/predict/PredictPage')),
    'PredictPage',
  ),
});

const predictionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/predict/$predictionId',
  loader: ({ context, params }) => {
    context.client.query(predictionDetailQuery(params.predictionId)).catch(noop);
  },
  component: lazyRouteComponent(
    withStyles(() => import('@/features/predict/PredictionPage')),
    'PredictionPage',
  ),
});

const simulationsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/simulations',
  validateSearch: readSimulationsSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/simulations/SimulationsPage')),
    'SimulationsPage',
  ),
});

const simulationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/simulations/$simulationId',
  validateSearch: readSimulationSearch,
  loader: ({ context, params }) => {
    context.client.query(simulationQuery(params.simulationId)).catch(noop);
  },
  component: lazyRouteComponent(
    withStyles(() => import('@/features/simulations/SimulationPage')),
    'SimulationPage',
  ),
});

const datasetsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/datasets',
  validateSearch: readDatasetsSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/datasets/DatasetsPage')),
    'DatasetsPage',
  ),
});

const adminRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/admin',
  validateSearch: readAdminSearch,
  component: lazyRouteComponent(
    withStyles(() => import('@/features/admin/AdminPage')),
    'AdminPage',
  ),
});

/** Every page but the first, which most visits begin with, is its own bundle; hovering over a link fetches it. */
export function createAppRouter(client: QueryClient, history?: RouterHistory) {
  return createRouter({
    history,
    context: { client },
    routeTree: rootRoute.addChildren([
      overviewRoute,
      stockRoute,
      predictRoute,
      predictionRoute,
      modelsRoute,
      newModelRoute,
      modelRoute,
      compareRoute,
      simulationsRoute,
      simulationRoute,
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
