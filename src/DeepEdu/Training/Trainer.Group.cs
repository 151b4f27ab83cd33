using System.Globalization;
using System.Runtime.InteropServices;
using DeepEdu.Collectives;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Lanes;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <content>What several processes tell each other outside of steps.</content>
public partial class Trainer<B>
{
    private bool _alone; // while something runs in this process only

    private ICollective Group => _options.Collective ?? Collective.Alone;

    private bool IsTold(Callback callback) => Group.Rank == 0 || callback.InEveryProcess;

    // every process goes on from where rank 0 stands, if they train the same
    private void BeginTogether(IBatches<B> training, bool validates)
    {
        if (!InParts) { return; }
        if (_options.Privacy is not null) { throw new InvalidOperationException("trainer: a private training takes one sample after the other, by one process; leave out BatchParts and Collective"); }
        if (training is not (ICutBatches<B> or IBatches<int[]>)) { throw new InvalidOperationException($"trainer: batches of a {training.GetType().Name} cannot be cut into parts; give those of a DataLoader, row numbers, or an ICutBatches"); }
        (string Name, Parameter Value)[] parameters = [.. model.Parameters(), .. optimizer.Groups.SelectMany(g => g.Parameters)];
        parameters = [.. parameters.DistinctBy(p => p.Value, ReferenceEqualityComparer.Instance)];
        _partSum = new(parameters, _options.BatchParts, Group);
        _partState = new([.. model.Streams().Concat(_options.Streams).DistinctBy(s => s.Value, ReferenceEqualityComparer.Instance)], [.. model.Buffers()]);
        _partMetrics = new(_options.Metrics);
        _cancelled = false;
        if (Group.Size == 1) { return; }
        CheckSame(training, validates, parameters);
        _message.Clear();
        if (Group.Rank == 0) { StateMessage.Write(_message, Run); }
        var all = Collective.Spread(Group, "state of the training", _message.Written);
        if (Group.Rank == 0) { return; }
        var state = new MessageReader(all[0].Span);
        try { Run.LoadState(StateMessage.Read(ref state)); }
        catch (InvalidDataException e) { throw new InvalidDataException($"trainer: rank {Group.Rank} is made otherwise than rank 0: {e.Message}", e); }
    }

    private void CheckSame(IBatches<B> training, bool validates, (string Name, Parameter Value)[] parameters)
    {
        int width = F16.IsSupported ? 512 : F8.IsSupported ? 256 : F4.IsSupported ? 128 : 32;
        string[] lines =
        [
            $"DeepEdu {typeof(Tensor).Assembly.GetName().Version!.ToString(3)}",
            $"vectors of {width} bits, which decide how sums are rounded (DOTNET_EnableAVX512=0 narrows them)",
            $"{_options.BatchParts} parts", $"{_options.AccumulateBatches} batches a step", $"{training.Count?.ToString(CultureInfo.InvariantCulture) ?? "unknown"} batches an epoch", $"{Run.Epochs} epochs",
            validates ? "validation" : "no validation", _options.EpochNumbers is null ? "no epoch numbers" : "epoch numbers",
            string.Create(CultureInfo.InvariantCulture, $"limits {_options.ClipNorm} {_options.ClipValue}"), $"optimiser {optimizer.GetType().Name}", $"on NaN {_options.NonFinite}",
            .. _options.Metrics.Select(m => $"metric \"{m.Name}\""), .. parameters.Select(p => $"parameter \"{p.Name}\" {p.Value.Shape}{(p.Value.Trainable ? "" : ", frozen")}"), "end",
        ];
        _message.Clear();
        _message.Text(string.Join('\n', lines));
        var all = Collective.Spread(Group, "begin of the training", _message.Written);
        for (int r = 1; r < all.Length; r++)
        {
            MessageReader first = new(all[0].Span), other = new(all[r].Span);
            string[] ours = first.Text().Split('\n'), theirs = other.Text().Split('\n');
            int at = ours.Zip(theirs).TakeWhile(l => l.First == l.Second).Count();
            if (at < Math.Max(ours.Length, theirs.Length)) { throw new CollectiveException($"trainer: rank {r} trains something else than rank 0: \"{theirs.ElementAtOrDefault(at)}\" there, \"{ours.ElementAtOrDefault(at)}\" on rank 0", r); }
        }
    }

    /// <summary>Whoever wants to stop stops all; and makes sure that all stand where rank 0 does.</summary>
    private void Agree()
    {
        if (Group.Size == 1) { return; }
        _message.Clear();
        _message.Text(Run.StopReason ?? "");
        _message.Double(optimizer.LearningRate);
        _message.Long((long)WeightCheck());
        var all = Collective.Spread(Group, $"end of {Run.Epoch} epochs", _message.Written);
        double rate = 0;
        long weights = 0;
        for (int r = 0; r < all.Length; r++)
        {
            var message = new MessageReader(all[r].Span);
            if (message.Text() is { Length: > 0 } reason) { Run.Stop(reason); }
            double itsRate = message.Double();
            long itsWeights = message.Long();
            if (r > 0 && (itsRate != rate || itsWeights != weights))
            {
                throw new CollectiveException($"trainer: {(itsRate != rate ? $"the learning rate of rank {r} is {itsRate}, of rank 0 {rate}" : $"the weights of rank {r} are not those of rank 0")}: a callback that changes what is trained " +
                    "says InEveryProcess = true; a loss must not change weights", r);
            }
            (rate, weights) = (itsRate, itsWeights);
        }
    }

    private ulong WeightCheck()
    {
        ulong hash = Fnv.Start;
        foreach (var (_, parameter) in model.Parameters()) { hash = Fnv.Add(hash, MemoryMarshal.Cast<float, uint>(parameter.ToArray())); }
        return hash;
    }

    // those of rank 0
    private List<(string Name, double Value)> EpochNumbers()
    {
        if (_options.EpochNumbers is not { } numbers) { return []; }
        _records.Clear();
        if (Group.Rank == 0)
        {
            _alone = true;
            try
            {
                (string Name, double Value)[] own = [.. NullItems.Made(numbers(Run), "trainer", "EpochNumbers must give names and values, [] where there are none")];
                _records.Clear(); // it may have evaluated
                _records.Int(own.Length);
                foreach (var (name, value) in own)
                {
                    _records.Text(name);
                    _records.Double(value);
                }
            }
            finally { _alone = false; }
        }
        var message = new MessageReader(Collective.Spread(Group, "epoch numbers", _records.Written)[0].Span);
        var all = new List<(string, double)>();
        for (int i = 0, n = message.Int(); i < n; i++)
        {
            string name = message.Text();
            all.Add((name, message.Double()));
        }
        return all;
    }

    private static void Abort(ICollective group, Exception why) => group.Abort(why.Message, why is CollectiveException { Rank: >= 0 } e ? e.Rank : -1);
}
