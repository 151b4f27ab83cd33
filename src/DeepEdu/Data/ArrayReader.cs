using System.Numerics;
using DeepEdu.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Data;

/// <summary>An array of numbers in an open file: its sizes and type are known, the numbers are read when asked for, all at once or some rows at a time. Made by <see cref="Idx"/> and
/// <c>Npy</c>.</summary>
public sealed class ArrayReader : IDisposable
{
    private const int Block = 1 << 22; // numbers that are taken on trust from a packed file

    private readonly Stream _stream;
    private readonly string _path;
    private readonly int[] _sizes;
    private readonly bool _bigEndian, _columnsFirst;

    internal ArrayReader(Stream stream, string path, NumberType type, int[] sizes, bool bigEndian, bool columnsFirst = false)
        => (_stream, _path, Type, _sizes, _bigEndian, _columnsFirst) = (stream, path, type, sizes, bigEndian, columnsFirst);

    /// <summary>How the numbers are stored.</summary>
    public NumberType Type { get; }

    /// <summary>The sizes of the axes. The array may hold more numbers than a tensor can.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>The whole array as a tensor.</summary>
    /// <param name="divisor">Every number is divided by it: 255 brings bytes to 0..1.</param>
    /// <exception cref="InvalidDataException">The file is cut off, or longer than its header says.</exception>
    public Tensor ReadTensor(float divisor = 1)
    {
        float[] values = All<float>(out var shape);
        if (divisor != 1) { TensorPrimitives.Divide(values, divisor, values); }
        return Tensor.Wrap(values, shape);
    }

    /// <summary>The whole array of whole numbers, such as labels.</summary>
    /// <exception cref="InvalidDataException">The numbers are not whole or do not fit 32 bits; or the file is cut off, or longer than its header says.</exception>
    public Indices ReadIndices()
    {
        ThrowUnlessWhole();
        int[] values = All<int>(out var shape);
        return Indices.Wrap(values, shape);
    }

    /// <summary>The whole array of whole numbers, row-major.</summary>
    /// <exception cref="InvalidDataException">The numbers are not whole; or the file is cut off, or longer than its header says.</exception>
    public long[] ReadLongs()
    {
        ThrowUnlessWhole();
        return All<long>(out _);
    }

    /// <summary>The whole array in double precision, row-major.</summary>
    /// <exception cref="InvalidDataException">The file is cut off, or longer than its header says.</exception>
    public double[] ReadDoubles() => All<double>(out _);

    /// <summary>The array some rows at a time, so that memory does not grow with the file: tensors [rows, ..], the last with what is left.</summary>
    /// <exception cref="InvalidDataException">The array is a single number, or stored column by column; or the file is cut off, or longer than its header says.</exception>
    public IEnumerable<Tensor> Rows(int rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        if (_sizes.Length == 0 || _columnsFirst) { throw new InvalidDataException($"{_path}: {(_columnsFirst ? "stored column by column; read it whole" : "a single number has no rows")}"); }
        return Cut(rows);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _stream.Dispose();

    private IEnumerable<Tensor> Cut(int rows)
    {
        for (int at = 0; at < _sizes[0]; at += rows)
        {
            var shape = Shape.Create(_sizes).With(0, Math.Min(rows, _sizes[0] - at));
            yield return Tensor.Wrap(Numbers<float>(shape.Size), shape);
        }
        ThrowUnlessAtEnd();
    }

    private T[] All<T>(out Shape shape) where T : unmanaged, INumber<T>
    {
        try { shape = Shape.Create(_sizes); }
        catch (ShapeException e) { throw TooLarge(e); }
        var values = Numbers<T>(shape.Size);
        ThrowUnlessAtEnd();
        return _columnsFirst ? RowsFirst(values) : values;
    }

    // a header may state any sizes: memory is taken for what the file has
    private T[] Numbers<T>(int size) where T : unmanaged, INumber<T>
    {
        if (size > Array.MaxLength) { throw TooLarge(null); }
        bool known = _stream is FileStream { CanSeek: true };
        if (known && (long)size * Type.Width() > _stream.Length - _stream.Position) { throw CutOff(null); }
        var values = new T[known ? size : Math.Min(size, Block)];
        Read<T>(values);
        for (int done = values.Length; done < size; done = values.Length)
        {
            Array.Resize(ref values, (int)Math.Min(size, 2L * done));
            Read(values.AsSpan(done));
        }
        return values;
    }

    private void Read<T>(Span<T> values) where T : unmanaged, INumber<T>
    {
        try { NumberCodec.Read(_stream, Type, _bigEndian, values); }
        catch (EndOfStreamException e) { throw CutOff(e); }
        catch (InvalidDataException e) when (!e.Message.StartsWith(_path, StringComparison.Ordinal)) { throw new InvalidDataException($"{_path}: {e.Message}", e); }
    }

    // Fortran's order: the first axis moves fastest
    private T[] RowsFirst<T>(T[] values)
    {
        var ordered = new T[values.Length];
        int[] at = new int[_sizes.Length];
        foreach (var value in values)
        {
            int to = 0;
            for (int a = 0; a < at.Length; a++) { to = (to * _sizes[a]) + at[a]; }
            ordered[to] = value;
            for (int a = 0; a < at.Length && ++at[a] == _sizes[a]; a++) { at[a] = 0; }
        }
        return ordered;
    }

    private InvalidDataException CutOff(Exception? cause) => new($"{_path}: cut off: [{string.Join(',', _sizes)}] of {Type} needs more bytes", cause);

    private InvalidDataException TooLarge(Exception? cause) => new($"{_path}: [{string.Join(',', _sizes)}] is too large to be read at once; use Rows", cause);

    private void ThrowUnlessWhole()
    {
        if (Type.IsFloat()) { throw new InvalidDataException($"{_path}: stored as {Type}, not as whole numbers; read it as a tensor"); }
    }

    private void ThrowUnlessAtEnd()
    {
        if (_stream.ReadByte() >= 0) { throw new InvalidDataException($"{_path}: more bytes follow than [{string.Join(',', _sizes)}] of {Type} takes"); }
    }
}
