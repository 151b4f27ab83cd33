using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu;

/// <summary>Writes a kernel's fields as its PTX takes them: one parameter, laid out as C does, in which a view is an address and a length. The code that writes is made once for each kernel,
/// as ILGPU makes its own; tests compare the bytes of both.</summary>
internal static unsafe class KernelArguments
{
    /// <summary>Writes them to memory that is zero.</summary>
    public delegate void Writer<K>(ref K kernel, byte* to);

    /// <summary>The code for a kernel, and how many bytes it writes.</summary>
    public static Writer<K> Of<K>(out int bytes) where K : struct
    {
        DynamicMethod method = new($"{typeof(K).Name} arguments", typeof(void), [typeof(K).MakeByRefType(), typeof(byte*)], typeof(KernelArguments).Module, skipVisibility: true);
        var il = method.GetILGenerator();
        int end = 0;
        int alignment = Put(il, typeof(K), [], ref end);
        il.Emit(OpCodes.Ret);
        bytes = Aligned(end, alignment);
        return method.CreateDelegate<Writer<K>>();
    }

    // where a value goes is known when its alignment is; returns that
    private static int Put(ILGenerator il, Type type, FieldInfo[] path, ref int at)
    {
        int alignment = AlignmentOf(type);
        at = Aligned(at, alignment);
        if (IsView(type))
        {
            Source(il, path);
            Target(il, at);
            il.Emit(OpCodes.Call, typeof(KernelArguments).GetMethod(nameof(PutView), BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(type.GetGenericArguments()));
            at += 2 * sizeof(long);
        }
        else if (!HasViews(type))
        {
            Target(il, at);
            Source(il, path);
            il.Emit(OpCodes.Cpobj, type);
            at += SizeOf(type);
        }
        else
        {
            foreach (var field in Fields(type)) { Put(il, field.FieldType, [.. path, field], ref at); }
            at = Aligned(at, alignment);
        }
        return alignment;
    }

    private static void Source(ILGenerator il, FieldInfo[] path)
    {
        il.Emit(OpCodes.Ldarg_0);
        foreach (var field in path) { il.Emit(OpCodes.Ldflda, field); }
    }

    private static void Target(ILGenerator il, int at)
    {
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldc_I4, at);
        il.Emit(OpCodes.Add);
    }

    private static void PutView<T>(ref ArrayView<T> view, byte* to) where T : unmanaged
    {
        if (view.IsValid) { *(nint*)to = view.LoadEffectiveAddressAsPtr(); }
        *(long*)(to + sizeof(long)) = view.Length;
    }

    private static int AlignmentOf(Type type) => IsView(type) ? sizeof(long) : type.IsPrimitive || type.IsEnum ? SizeOf(type) : Fields(type).Select(f => AlignmentOf(f.FieldType)).DefaultIfEmpty(1).Max();

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static bool HasViews(Type type) => IsView(type) || (!type.IsPrimitive && !type.IsEnum && Fields(type).Any(f => HasViews(f.FieldType)));

    // as they are declared: the runtime moves the fields of a struct with views
    private static FieldInfo[] Fields(Type type) => [.. type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).OrderBy(f => f.MetadataToken)];

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private static int Aligned(int at, int alignment) => (at + alignment - 1) / alignment * alignment;
}
