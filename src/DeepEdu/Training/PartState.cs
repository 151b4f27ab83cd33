using System.Runtime.InteropServices;
using DeepEdu.Collectives;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Training;

/// <summary>What a part of a batch may change beside giving gradients: each part starts from what was there before the batch, and what the batch leaves does not depend on who computed which part.
/// A stream of random numbers stands, for part i, 2⁴⁸·i numbers further on; behind the batch it goes on after the part that drew the most. A buffer, such as running statistics, becomes the mean over the parts, weighted by
/// their rows.</summary>
internal sealed class PartState((string Name, Rng Value)[] streams, (string Name, Tensor Value)[] buffers)
{
    private const int Room = 48;

    private readonly (ulong Position, ulong Forks)[] _start = new (ulong, ulong)[streams.Length], _drawn = new (ulong, ulong)[streams.Length];
    private readonly float[][] _before = [.. buffers.Select(b => new float[b.Value.Size])], _after = [.. buffers.Select(b => new float[b.Value.Size])];
    private readonly double[]?[] _sums = new double[]?[buffers.Length];
    private readonly double[] _kept = new double[buffers.Length]; // rows of parts that left a buffer as it was
    private readonly bool[] _moved = new bool[buffers.Length];
    private double _rows;

    /// <summary>Before a batch.</summary>
    public void Begin()
    {
        for (int s = 0; s < streams.Length; s++)
        {
            var (name, rng) = streams[s];
            if (rng.Position >> Room != 0 || rng.Forks >> Room != 0) { throw new InvalidOperationException($"trainer: \"{name}\" has drawn {rng.Position} numbers, more than the 2^{Room} that training in parts has room for; make it of another seed"); }
            (_start[s], _drawn[s]) = ((rng.Position, rng.Forks), default);
        }
        for (int b = 0; b < buffers.Length; b++) { buffers[b].Value.Device.Read(buffers[b].Value.View, _before[b]); }
        Array.Clear(_moved);
        Array.Clear(_kept);
        _rows = 0;
    }

    /// <summary>Before a part.</summary>
    public void Enter(int part)
    {
        for (int s = 0; s < streams.Length; s++)
        {
            var rng = streams[s].Value;
            (rng.Position, rng.Forks) = (_start[s].Position + ((ulong)part << Room), _start[s].Forks + ((ulong)part << Room));
        }
    }

    /// <summary>After a part: what it changed goes to the others, and is taken back here.</summary>
    public void Leave(int part, MessageWriter to)
    {
        for (int s = 0; s < streams.Length; s++)
        {
            var rng = streams[s].Value;
            to.Long((long)(rng.Position - _start[s].Position - ((ulong)part << Room)));
            to.Long((long)(rng.Forks - _start[s].Forks - ((ulong)part << Room)));
        }
        for (int b = 0; b < buffers.Length; b++)
        {
            var buffer = buffers[b].Value;
            buffer.Device.Read(buffer.View, _after[b]);
            bool moved = !MemoryMarshal.AsBytes(_after[b].AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(_before[b].AsSpan()));
            to.Byte(moved ? (byte)1 : (byte)0);
            if (!moved) { continue; }
            to.Values<float>(_after[b]);
            buffer.CopyFrom(_before[b]);
        }
    }

    /// <summary>Takes in what a part changed, wherever it was computed; parts come in order.</summary>
    public void Read(ref MessageReader from, int rows)
    {
        for (int s = 0; s < streams.Length; s++)
        {
            _drawn[s] = (Math.Max(_drawn[s].Position, (ulong)from.Long()), Math.Max(_drawn[s].Forks, (ulong)from.Long()));
        }
        _rows += rows;
        for (int b = 0; b < buffers.Length; b++)
        {
            if (from.Byte() == 0)
            {
                _kept[b] += rows;
                continue;
            }
            var values = from.Values<float>(_before[b].Length);
            double[] sum = _sums[b] ??= new double[values.Length];
            if (!_moved[b]) { Array.Clear(sum); }
            _moved[b] = true;
            for (int i = 0; i < sum.Length; i++) { sum[i] += (double)rows * values[i]; }
        }
    }

    /// <summary>Behind the batch.</summary>
    public void End()
    {
        Move(_drawn);
        for (int b = 0; b < buffers.Length; b++)
        {
            if (!_moved[b]) { continue; }
            double[] sum = _sums[b]!;
            for (int i = 0; i < sum.Length; i++) { _after[b][i] = (float)((sum[i] + (_kept[b] * _before[b][i])) / _rows); }
            buffers[b].Value.CopyFrom(_after[b]);
        }
    }

    /// <summary>Back to before the batch.</summary>
    public void TakeBack()
    {
        Move(null);
        for (int b = 0; b < buffers.Length; b++) { buffers[b].Value.CopyFrom(_before[b]); }
    }

    private void Move((ulong Position, ulong Forks)[]? by)
    {
        for (int s = 0; s < streams.Length; s++)
        {
            var (position, forks) = by is null ? default : by[s];
            (streams[s].Value.Position, streams[s].Value.Forks) = (_start[s].Position + position, _start[s].Forks + forks);
        }
    }
}
