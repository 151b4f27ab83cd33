using DeepEdu.Autograd;
using DeepEdu.Collectives;
using DeepEdu.Data;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <content>Steps whose batches are cut into parts, by one process or several.</content>
public partial class Trainer<B>
{
    private readonly MessageWriter _records = new(), _message = new();
    private PartSum? _partSum;
    private PartState? _partState;
    private PartMetrics? _partMetrics;
    private bool _inPart, _cancelled;

    private bool InParts => _options.BatchParts > 1 || Group.Size > 1;

    private bool LearnBatchesInParts(IBatches<B> training, ProgressMeter meter, CancellationToken stop)
    {
        if (Run.Batch == 0)
        {
            foreach (var metric in _options.Metrics) { metric.Metric.Reset(); }
        }
        _partMetrics!.Begin();
        Run.Look = () => { if (!_inPart) { _partMetrics.Show(); } };
        try
        {
            int pending = 0;
            using var parts = BatchCut.Of(training, Run.Epoch, Run.Batch, _options.BatchParts, _partSum!.Own.From, _partSum.Own.To)!.GetEnumerator();
            while (parts.MoveNext())
            {
                string? leave = pending > 0 ? null : stop.IsCancellationRequested ? "" : Run.StopReason;
                if (pending == 0 && leave is null) { Run.Begins(); }
                bool last = ++pending == _options.AccumulateBatches;
                if (!LearnInParts(parts, leave, pending, last, out int rows)) { return false; }
                if (last)
                {
                    pending = 0;
                    Settle(_step ??= c => c.OnStep(Run));
                }
                meter.Batch(rows);
            }
            EndEpoch(pending);
            return true;
        }
        finally
        {
            _partMetrics.Show();
            Run.Look = null;
        }
    }

    // false when training is left before this step
    private bool LearnInParts(IEnumerator<BatchPart<B>> parts, string? leave, int number, bool last, out int rows)
    {
        bool learned = false;
        rows = 0;
        _partState!.Begin();
        try
        {
            var error = leave is null ? RunParts(parts) : null;
            _message.Clear();
            new StepHead(leave, parts.Current.Check, error?.Message).Write(_message);
            if (leave is null && error is null)
            {
                _message.Values(_records.Written.Span);
                _partSum!.WriteHeader(_message);
            }
            var all = Collective.Spread(Group, $"step {Run.Step}", _message.Written);
            if (IsLeft(all, error)) { return false; }
            rows = Apply(all, number, last);
            return learned = true;
        }
        finally
        {
            if (!learned) { _partState.TakeBack(); }
            _partSum!.Clear();
        }
    }

    // what came of the parts of this process; the error if a value was not finite
    private NonFiniteException? RunParts(IEnumerator<BatchPart<B>> parts)
    {
        _records.Clear();
        for (int part = _partSum!.Own.From; part < _partSum.Own.To; part++)
        {
            if (part > _partSum.Own.From && !parts.MoveNext()) { throw new InvalidOperationException($"trainer: batch {Run.Batch} of epoch {Run.Epoch} has no part {part} of {_options.BatchParts}; Parts() of the data must give each, also without rows"); }
            if (RunPart(part, parts.Current) is { } error) { return error; }
        }
        return null;
    }

    private NonFiniteException? RunPart(int part, BatchPart<B> piece)
    {
        _records.Int(piece.Rows);
        if (piece.Rows == 0) { return null; }
        _partState!.Enter(part);
        _partMetrics!.Enter();
        using var tape = new Tape();
        _inPart = true;
        Objective objective;
        try { objective = _draws is null ? _loss(piece.Value!) : _draws.During(Run, piece.Value!, _loss); }
        finally { _inPart = false; }
        float value = objective.Total.Item();
        if (!float.IsFinite(value) && _options.NonFinite != NonFinite.Ignore) { return NonFiniteException.Of(tape, objective.Total, Run, piece.Value); }
        var gradients = tape.Gradients(objective.Total);
        if (!_looked) { ThrowIfForgotten(gradients); }
        if (_options.CheckGradients && _options.NonFinite != NonFinite.Ignore && !float.IsFinite(Clip.Norm(gradients))) { return NonFiniteException.Of(tape, objective.Total, Run, piece.Value); }
        double weight = objective.Weight ?? piece.Rows;
        _partSum!.Add(part, gradients, weight);
        WriteLoss(_records, objective, value, weight);
        _partState.Leave(part, _records);
        _partMetrics.Leave(_records);
        return null;
    }

    // whether some process does not take this step, and so none does
    private bool IsLeft(Memory<byte>[] all, NonFiniteException? error)
    {
        bool left = false;
        (int Rank, string Message)? fault = null;
        ulong check = 0;
        for (int r = 0; r < all.Length; r++)
        {
            var message = new MessageReader(all[r].Span);
            var head = StepHead.Read(ref message);
            left |= head.Leave is not null;
            if (head.Leave is { Length: > 0 } reason) { Run.Stop(reason); }
            else { _cancelled |= head.Leave is not null; }
            if (r > 0 && head.Check != check)
            {
                throw new CollectiveException($"trainer: rank {r} learns from other rows than rank 0 in batch {Run.Batch} of epoch {Run.Epoch}; make data, samplers and their seeds alike in every process", r);
            }
            check = head.Check;
            if (head.Fault is { } text) { fault ??= (r, text); }
        }
        if (left || fault is null) { return left; }
        _gradients.Clear();
        if (_options.NonFinite == NonFinite.Throw) { throw error ?? NonFiniteException.Elsewhere(fault.Value.Rank, fault.Value.Message, Run.Step); }
        Run.Stop(fault.Value.Message);
        return true;
    }

    // the same in every process, by what all have sent
    private int Apply(Memory<byte>[] all, int number, bool last)
    {
        int rows = 0;
        double losses = 0, weights = 0;
        var plan = new PartSum.Plan(_partSum!);
        for (int r = 0; r < all.Length; r++)
        {
            var message = new MessageReader(all[r].Span);
            StepHead.Read(ref message);
            var (from, to) = PartTree.Own(_options.BatchParts, r, all.Length);
            for (int part = from; part < to; part++)
            {
                int n = message.Int();
                rows += n;
                if (n == 0) { continue; }
                var (value, weight) = ReadLoss(ref message, Run.SawPart);
                Run.Saw(value, weight, default);
                (losses, weights) = (losses + (value * weight), weights + weight);
                _partState!.Read(ref message, n);
                _partMetrics!.Read(ref message);
            }
            plan.Read(ref message, r);
        }
        using var tape = new Tape();
        var gradients = _partSum!.Average(tape, plan);
        _partState!.End();
        Run.Learned(losses / weights);
        if (number == 1 && _options.Schedule is { } schedule) { optimizer.LearningRate = schedule.At(Run.Step); }
        if (_options.AccumulateBatches > 1) { _gradients.Add(gradients, weights); }
        if (!last) { return rows; }
        if (_options.AccumulateBatches > 1) { _gradients.Step(optimizer, Bound); }
        else
        {
            Bound(gradients);
            optimizer.Step(gradients);
        }
        Stepped();
        return rows;
    }

    private static void WriteLoss(MessageWriter to, Objective objective, float value, double weight)
    {
        to.Double(weight);
        to.Double(value);
        to.Int(objective.Parts.Length);
        foreach (var (name, part) in objective.Parts)
        {
            to.Text(name);
            to.Double(part.Item());
        }
    }

    private static (double Value, double Weight) ReadLoss(ref MessageReader from, Action<string, double, double> part)
    {
        double weight = from.Double(), value = from.Double();
        for (int i = 0, n = from.Int(); i < n; i++)
        {
            string name = from.Text();
            part(name, from.Double(), weight);
        }
        return (value, weight);
    }

    // each process has every so many of the batches; their numbers go to all, who take them in in the batches' order
    private OrderedDictionary<string, double> MeasureTogether(IBatches<B> data, ICollective group)
    {
        try
        {
            var metrics = new PartMetrics(_options.Metrics);
            _message.Clear();
            foreach (var batch in BatchCut.Every(data, group.Rank, group.Size))
            {
                metrics.Enter();
                _records.Clear();
                using (new Memory.Arena())
                {
                    var objective = _loss(batch);
                    WriteLoss(_records, objective, objective.Total.Item(), objective.Weight ?? BatchRows.Of(batch));
                }
                metrics.Leave(_records);
                _message.Int(_records.Length);
                _message.Values(_records.Written.Span);
            }
            var all = Collective.Spread(group, "validation", _message.Written);
            int[] at = new int[all.Length];
            OrderedDictionary<string, double> sums = new() { ["loss"] = 0 };
            double total = 0;
            int batches = 0;
            for (; at[batches % all.Length] < all[batches % all.Length].Length; batches++)
            {
                int r = batches % all.Length, length = BitConverter.ToInt32(all[r].Span[at[r]..]);
                var record = new MessageReader(all[r].Span.Slice(at[r] + 4, length));
                at[r] += 4 + length;
                var (value, weight) = ReadLoss(ref record, (name, part, weight) => sums[name] = sums.GetValueOrDefault(name) + (part * weight));
                sums["loss"] += value * weight;
                total += weight;
                metrics.Read(ref record);
            }
            metrics.Show();
            if (batches == 0) { throw NoBatch("evaluate"); }
            foreach (string name in sums.Keys.ToArray()) { sums[name] /= total; }
            foreach (var metric in _options.Metrics) { sums[metric.Name] = metric.Now; }
            return sums;
        }
        catch (Exception e)
        {
            Abort(group, e);
            throw;
        }
    }

    /// <summary>What begins each process's message about a step.</summary>
    /// <param name="Leave">Why it does not take the step: empty if it was cancelled, null if it does.</param>
    /// <param name="Check">Of the rows of the batch.</param>
    /// <param name="Fault">What was not finite.</param>
    private readonly record struct StepHead(string? Leave, ulong Check, string? Fault)
    {
        public void Write(MessageWriter to)
        {
            Text(to, Leave);
            to.Long((long)Check);
            Text(to, Fault);
        }

        public static StepHead Read(ref MessageReader from) => new(Text(ref from), (ulong)from.Long(), Text(ref from));

        private static void Text(MessageWriter to, string? text)
        {
            to.Byte(text is null ? (byte)0 : (byte)1);
            if (text is not null) { to.Text(text); }
        }

        private static string? Text(ref MessageReader from) => from.Byte() == 0 ? null : from.Text();
    }
}
