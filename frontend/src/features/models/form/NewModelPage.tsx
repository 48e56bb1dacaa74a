import { Anchor, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { datasetsQuery, type Dataset } from '@/api/datasets';
import {
  featuresQuery,
  modelTypesQuery,
  type FeatureCatalogue,
  type ModelTypeOption,
} from '@/api/modelOptions';
import { modelQuery } from '@/api/models';
import { PageHeader } from '@/shared/ui/PageHeader';
import { ProblemAlert } from '@/shared/ui/States';
import { FeaturesSection } from './FeaturesSection';
import { FormSummary } from './FormSummary';
import { fromSpec, INITIAL, type ModelForm } from './formState';
import { ModelTypeSection } from './ModelTypeSection';
import { NoData } from './NoData';
import classes from './NewModelPage.module.css';
import { SubjectSection } from './SubjectSection';
import { useModelForm } from './useModelForm';
import { ValidationSection } from './ValidationSection';

const route = getRouteApi('/models/new');

/** Defines a model step by step, from what the platform offers; or like another model. */
export function NewModelPage() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const datasets = useQuery(datasetsQuery());
  const types = useQuery(modelTypesQuery());
  const catalogue = useQuery(featuresQuery());
  const like = useQuery({ ...modelQuery(search.from ?? ''), enabled: search.from !== undefined });
  const asked = [datasets, types, catalogue, ...(search.from ? [like] : [])];
  const failed = asked.find((query) => query.isError);
  const ready = datasets.data && types.data && catalogue.data && (like.data ?? !search.from);
  const initial: ModelForm = like.data
    ? fromSpec(like.data.spec)
    : { ...INITIAL, exchange: search.exchange ?? INITIAL.exchange, ticker: search.ticker ?? '' };
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Anchor renderRoot={(props) => <Link to="/models" {...props} />} fz="sm">
          {t('nav.models')}
        </Anchor>
        <PageHeader
          title={t('modelForm.title')}
          subtitle={like.data ? t('modelForm.like', { name: like.data.name }) : t('modelForm.subtitle')}
        />
      </Stack>
      {failed && <ProblemAlert error={failed.error} onRetry={failed.refetch} />}
      {!failed && !ready && <Skeleton height={640} radius="lg" />}
      {datasets.data?.length === 0 && <NoData />}
      {ready && datasets.data.length > 0 && (
        <Form initial={initial} datasets={datasets.data} types={types.data} catalogue={catalogue.data} />
      )}
    </Stack>
  );
}

interface FormProps {
  initial: ModelForm;
  datasets: readonly Dataset[];
  types: readonly ModelTypeOption[];
  catalogue: FeatureCatalogue;
}

function Form({ initial, datasets, types, catalogue }: FormProps) {
  const navigate = route.useNavigate();
  const allowed = useMay('write');
  const { form, change, errors, pending, submit, error } = useModelForm(initial, (modelId, taskId) => {
    void navigate({ to: '/models/$modelId', params: { modelId }, search: { train: taskId } });
  });
  const option = types.find((item) => item.name === form.modelType);
  const section = { form, change, errors };
  const recommended = catalogue.features.filter((feature) => feature.default).length;
  return (
    <form
      noValidate
      className={classes.page}
      onSubmit={(event) => {
        event.preventDefault();
        void submit(true, option);
      }}
      data-testid="model-form"
    >
      <Stack gap="lg">
        <SubjectSection {...section} datasets={datasets} option={option} />
        <ModelTypeSection {...section} options={types} />
        <FeaturesSection {...section} catalogue={catalogue} />
        <ValidationSection {...section} datasets={datasets} />
      </Stack>
      <FormSummary
        form={form}
        features={form.ownFeatures ? form.features.length : recommended}
        allowed={allowed}
        pending={pending}
        wrong={Object.keys(errors).length}
        error={error}
        onDefine={() => void submit(false, option)}
      />
    </form>
  );
}
