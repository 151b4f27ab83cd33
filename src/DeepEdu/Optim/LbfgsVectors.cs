using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Tensors;

namespace DeepEdu.Optim;

/// <summary>The vectors of <see cref="Lbfgs"/>, of all parameters one behind the other, on the device of the first. Only what <see cref="Take"/> and <see cref="Turn"/> return is read.</summary>
internal sealed class LbfgsVectors
{
    // values for each part of a sum on a device
    private const int Piece = 1024;

    private readonly Parameter[] _parameters;
    private readonly Tensor _direction, _start, _slots;
    private readonly List<Pair> _history = [];
    private readonly List<Place> _places = [];
    private readonly double[] _read;
    private readonly int _size, _parts;
    private Place? _before;

    public LbfgsVectors(Parameter[] parameters)
    {
        (_parameters, Device, _size) = (parameters, parameters[0].Device, parameters.Sum(p => p.Size));
        _parts = Device is CpuDevice ? 1 : Math.Clamp((_size + Piece - 1) / Piece, 1, LbfgsKernels.MostParts);
        (_direction, _start) = (Tensor.Persistent([_size], Device), Tensor.Persistent([_size], Device));
        _read = new double[1 + (LbfgsKernels.Measure.Slots * _parts)];
        _slots = Tensor.Persistent([2 * (_read.Length + (2 * _parts))], Device);
        Device.Fill(_slots.View, 0); // the room beside the loss is read, too
    }

    /// <summary>Where they are.</summary>
    public Device Device { get; }

    /// <summary>Lets go of gradients but the last direction's own; an error in the loss leaves some.</summary>
    public void Begin()
    {
        foreach (var place in _places) { place.IsTaken = place == _before; }
    }

    /// <summary>Takes loss and gradient, and measures the gradient, also beside the last direction and its gradient after a step of such a length. The host waits once.</summary>
    public Place Take(Tensor loss, Gradients gradients, double length)
    {
        var place = Free();
        var g = place.Gradient;
        int at = 0;
        foreach (var p in _parameters)
        {
            View to = Part(g, at, p);
            if (gradients.Find(p) is not { } one) { Device.Fill(to, 0); }
            else if (one.Device == Device) { Device.Copy(one.View, to); }
            else { Device.Write(one.ToArray(), to); }
            at += p.Size;
        }
        View measured = Slot(0, LbfgsKernels.Measure.Slots), before = _before is null ? default : _before.Gradient.View;
        Device.Launch(new LbfgsKernels.Measure(g.View, before, before.IsNone ? default : _direction.View, length, measured));
        bool here = loss.Device == Device && loss.Size == 1;
        if (here) { Device.Copy(loss.View, _slots.View with { Length = 1 }); }
        else { place.Loss = loss.Item(); }
        Read(LbfgsKernels.Measure.Slots);
        if (here) { place.Loss = MemoryMarshal.Cast<double, float>(_read)[0]; }
        (place.Largest, place.Along, place.Ys, place.Yy) = (Largest(0), Sum(1), Sum(2), Sum(3));
        return place;
    }

    /// <summary>A place that <see cref="Take"/> gave.</summary>
    public Place this[int number] => _places[number];

    /// <summary>A place is not needed any more.</summary>
    public void Drop(int number) => _places[number].IsTaken = false;

    /// <summary>Remembers the step of such a length along the direction to this gradient; beyond so many steps the first is forgotten.</summary>
    public void Remember(Place now, double length, int most)
    {
        Pair pair;
        if (_history.Count == most)
        {
            pair = _history[0];
            _history.RemoveAt(0);
        }
        else { pair = new(_size, _parts, Device); }
        Device.Launch(new LbfgsKernels.Remember(now.Gradient.View, _before!.Gradient.View, _direction.View, length, pair.Y, pair.S));
        pair.Rho = 1 / now.Ys;
        _history.Add(pair);
    }

    /// <summary>The next direction, from this gradient on: the two loops of algorithm 7.4. The host waits once.</summary>
    /// <returns>The slope along it, and the largest |dᵢ|.</returns>
    public (double Slope, double Widest) Turn(Place now, double scale, bool first)
    {
        int m = first ? 0 : _history.Count;
        View d = _direction.View, g = now.Gradient.View, told = Slot(0, 2), beta = Slot(LbfgsKernels.Measure.Slots), other = Slot(LbfgsKernels.Measure.Slots + 1);
        if (m == 0) { Device.Launch(new LbfgsKernels.Turn(d, g, default, default, first ? 1 : scale, g, told, 2)); }
        else { Device.Launch(new LbfgsKernels.Turn(d, g, default, default, 1, _history[m - 1].S, _history[m - 1].Alpha, 1)); }
        for (int k = m - 1; k >= 0; k--)
        {
            var pair = _history[k];
            var (by, isLast) = (new LbfgsKernels.Factor(pair.Alpha, -pair.Rho), k == 0);
            Device.Launch(new LbfgsKernels.Turn(d, default, pair.Y, by, isLast ? scale : 1, isLast ? pair.Y : _history[k - 1].S, isLast ? beta : _history[k - 1].Alpha, 1));
        }
        for (int k = 0; k < m; k++)
        {
            var pair = _history[k];
            var (by, isLast) = (new LbfgsKernels.Factor(pair.Alpha, pair.Rho, beta, pair.Rho), k == m - 1);
            Device.Launch(new LbfgsKernels.Turn(d, default, pair.S, by, 1, isLast ? g : _history[k + 1].Y, isLast ? told : other, isLast ? 2 : 1));
            (beta, other) = (other, beta); // what a part of the device still reads is not written
        }
        Read(2);
        if (_before is not null && _before != now) { _before.IsTaken = false; }
        _before = now;
        (now.Ys, now.Yy) = (0, 0); // beside itself, should a search end where it began
        return (Sum(0), Largest(1));
    }

    /// <summary>The parameters as they are now are where the next steps start.</summary>
    public void Start()
    {
        int at = 0;
        foreach (var p in _parameters)
        {
            if (p.Device == Device) { Device.Copy(p.View, Part(_start, at, p)); }
            else { Device.Write(p.ToArray(), Part(_start, at, p)); }
            at += p.Size;
        }
    }

    /// <summary>Puts the parameters so far along the direction.</summary>
    public void Move(double length)
    {
        int at = 0;
        foreach (var p in _parameters)
        {
            View start = Part(_start, at, p), d = Part(_direction, at, p);
            if (p.Device == Device) { Device.Launch(new LbfgsKernels.Move(start, d, length, p.View)); }
            else
            {
                using var arena = new Arena();
                var w = Tensor.Empty([p.Size], Device);
                Device.Launch(new LbfgsKernels.Move(start, d, length, w.View));
                p.CopyFrom(w.ToArray());
            }
            at += p.Size;
        }
    }

    /// <summary>What the next direction depends on, on the host.</summary>
    public Saved Save()
    {
        float[] ys = new float[_history.Count * _size], ss = new float[ys.Length];
        for (int i = 0; i < _history.Count; i++)
        {
            Device.Read(_history[i].Y, ys.AsSpan(i * _size, _size));
            Device.Read(_history[i].S, ss.AsSpan(i * _size, _size));
        }
        return new(_before is null ? [] : _direction.ToArray(), _before is null ? [] : _before.Gradient.ToArray(), ys, ss, [.. _history.Select(h => h.Rho)]);
    }

    /// <summary>Takes over what another saved.</summary>
    public void Load(Saved saved)
    {
        _history.Clear();
        _before = null;
        Begin();
        if (saved.Before.Length > 0)
        {
            _before = Free();
            _before.Gradient.CopyFrom(saved.Before);
            _direction.CopyFrom(saved.Direction);
        }
        for (int i = 0; i < saved.Rho.Length; i++)
        {
            Pair pair = new(_size, _parts, Device) { Rho = saved.Rho[i] };
            Device.Write(saved.Ys.AsSpan(i * _size, _size), pair.Y);
            Device.Write(saved.Ss.AsSpan(i * _size, _size), pair.S);
            _history.Add(pair);
        }
    }

    private static View Part(Tensor of, int at, Parameter p) => of.View with { Offset = at, Length = p.Size };

    // behind the loss, which has the room of a double
    private View Slot(int number, int count = 1) => _slots.View with { Offset = 2 * (1 + (number * _parts)), Length = 2 * count * _parts };

    private void Read(int slots)
    {
        var to = MemoryMarshal.Cast<double, float>(_read.AsSpan(0, 1 + (slots * _parts)));
        Device.Read(_slots.View with { Length = to.Length }, to);
    }

    private double Sum(int slot)
    {
        double sum = 0;
        foreach (double part in _read.AsSpan(1 + (slot * _parts), _parts)) { sum += part; }
        return sum;
    }

    private double Largest(int slot)
    {
        double largest = 0;
        foreach (double part in _read.AsSpan(1 + (slot * _parts), _parts)) { largest = Math.Max(largest, part); }
        return largest;
    }

    private Place Free()
    {
        var place = _places.Find(p => !p.IsTaken);
        if (place is null) { _places.Add(place = new(_places.Count, Tensor.Persistent([_size], Device))); }
        place.IsTaken = true;
        return place;
    }

    /// <summary>Loss and gradient somewhere.</summary>
    public sealed class Place(int number, Tensor gradient)
    {
        public int Number => number;
        public Tensor Gradient => gradient;
        public bool IsTaken { get; set; }
        public double Loss { get; set; }

        /// <summary>The largest |gᵢ|.</summary>
        public double Largest { get; set; }

        /// <summary>g·d; before there is a direction Σ|gᵢ|.</summary>
        public double Along { get; set; }

        /// <summary>y·s and y·y of the step to here.</summary>
        public double Ys { get; set; }
        public double Yy { get; set; }
    }

    /// <summary>The vectors on the host: [size] or none of the first two, [m, size] of the next.</summary>
    public readonly record struct Saved(float[] Direction, float[] Before, float[] Ys, float[] Ss, double[] Rho);

    // how the gradient changed along a step, the step, 1 / y·s, and the slot of the first loop
    private sealed class Pair(int size, int parts, Device device)
    {
        private readonly Tensor _all = Tensor.Persistent([2 * (size + parts)], device);

        public View Alpha => _all.View with { Length = 2 * parts };
        public View Y => _all.View with { Offset = 2 * parts, Length = size };
        public View S => _all.View with { Offset = (2 * parts) + size, Length = size };
        public double Rho { get; set; }
    }
}
